"""The grader API by itself, with made-up records: it prints its address, and serves until it is told to stop.

Its client is `sandbox-university`, whose key is what GRADER_CLIENT_KEY says.
"""

import argparse
import os
from collections.abc import Sequence

from tests.sandbox.grader import GraderSandbox, SyntheticRecords
from tests.sandbox.serving import listen_for_stop

KEY = "GRADER_CLIENT_KEY"


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        arguments: the command line after the program's name; None for this process's own.

    Raises:
        SystemExit: the command line cannot be used; the message says why.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.sandbox.grader", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; a free one by default")
    port = parser.parse_args(arguments).port
    if not os.environ.get(KEY):
        parser.error(f"no client key: set {KEY}")
    wait = listen_for_stop()
    try:
        with GraderSandbox(SyntheticRecords(odd=True), client_key=os.environ[KEY], port=port) as sandbox:
            print(sandbox.url, flush=True)
            wait()
    except OSError as error:
        parser.error(f"port {port} cannot be used ({error.strerror})")


if __name__ == "__main__":
    main()
