"""All commands: `codegrader`, or `python -m flows`."""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

COMMANDS: Final = {
    "setup": "save what .env says and make all that runs need; --check tries every service",
    "etl": "load yesterday, or a range of days, and publish the figures",
    "backfill": "load months and years by runs that all workers share",
    "status": "what is set up, loaded, missing, rejected and scheduled",
    "export": "attempts or figures as CSV or Parquet",
    "report": "the report of any days, of all courses or one, from the database alone",
    "rebuild": "compute all figures anew from the attempts that are loaded",
    "psql": "a prompt of the database, or one statement",
    "up": "dashboard, deployments and a worker, until Ctrl-C",
}
"""Each is the module of that name in `flows`, which is imported only when it is called."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Calls the command that is named first, with the arguments behind it; its exit code, or 2 if there is none."""
    name, *others = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if name in COMMANDS:
        code: int = import_module(f"flows.{name}").main(others)
        return code
    listed = "\n".join(f"  {command:<10}{does}" for command, does in COMMANDS.items())
    if name in ("--help", "-h", "help"):
        print(f"Usage: codegrader COMMAND [OPTIONS]\n\n{listed}\n\nOptions: codegrader COMMAND --help")
        return 0
    print(f"There is no command {name!r}: choose one of {', '.join(COMMANDS)}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
