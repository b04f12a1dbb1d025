"""`make run`: sets up and runs the whole job over the last seven closed days, then says where everything is.

With `--up`, `make up`: a Prefect server, the deployments and a worker instead, until Ctrl-C, see `flows.up`.

With a `.env` (or `GRADER_API_URL` in the environment) the services named there are used. Without, the sandbox stands in
for all of them, in a private folder of its own, so that made-up records never meet real ones.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack, redirect_stdout
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from zoneinfo import ZoneInfo

from flows.command_line import UNUSABLE
from flows.installing.environment import read_environment
from tasks.errors import InvalidInputError

DAYS = 7


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code of the flow, or of what is up."""
    parser = argparse.ArgumentParser(prog="python -m tests.sandbox", description=__doc__)
    parser.add_argument(
        "--up", action="store_true", help="a Prefect server, the deployments and a worker, until Ctrl-C"
    )
    is_up = parser.parse_args(arguments).up
    with ExitStack() as stack:
        demo = None
        if not (Path(".env").exists() or "GRADER_API_URL" in os.environ):
            # Imported here, as everything of Prefect's: what it sets must stand before Prefect is imported.
            from tests.sandbox.demo import Demo

            try:
                demo = stack.enter_context(Demo())
            except InvalidInputError as error:
                print(error, file=sys.stderr)
                return UNUSABLE
        if is_up:
            from flows import up

            return up.main([])
        from flows import etl, setup

        # What it says of next steps is for whoever ran it: here, the next one follows.
        with redirect_stdout(StringIO()) as said:
            code = setup.main([])
        print(said.getvalue().partition("\nNext:")[0], flush=True)
        if code:
            return code
        time_zone = ZoneInfo(read_environment(None).report_timezone)
        last = datetime.now(time_zone).date() - timedelta(days=1)
        first = last - timedelta(days=DAYS - 1)
        started = datetime.now(UTC)
        code = etl.main(["--start-date", first.isoformat(), "--end-date", last.isoformat()])
        if demo:
            demo.summarise(first, last, (datetime.now(UTC) - started).total_seconds(), succeeded=code == 0)
        return code


if __name__ == "__main__":
    sys.exit(main())
