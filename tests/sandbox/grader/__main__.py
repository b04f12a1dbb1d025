"""The sandbox as a process of its own: it prints its address and serves until it is told to stop."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from tests.sandbox.grader.records import RecordsFile, RecordSource
from tests.sandbox.grader.server import GraderSandbox
from tests.sandbox.grader.synthetic import SyntheticRecords
from tests.sandbox.serving import listen_for_stop

KEY_VARIABLE = "GRADER_CLIENT_KEY"


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        arguments: the command line after the program's name; None for this process's own.

    Raises:
        SystemExit: the command line cannot be used; the message says why.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    wait = listen_for_stop()
    try:
        sandbox = GraderSandbox(
            _source(options.records),
            client=options.client,
            client_key=_client_key(options.client_key_file),
            latency_per_record=options.latency_per_record,
            max_connections=options.max_connections,
            port=options.port,
        )
    except (OSError, ValueError) as error:
        parser.error(str(error))
    with sandbox:
        print(sandbox.url, flush=True)
        wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.sandbox.grader", description=__doc__)
    parser.add_argument("--records", default="synthetic", help="a JSON-lines file, or 'synthetic' (the default)")
    parser.add_argument("--client", default="sandbox-university", help="the client's name")
    parser.add_argument(
        "--client-key-file", type=Path, help=f"file with the client's key; without it, {KEY_VARIABLE} has the key"
    )
    parser.add_argument("--latency-per-record", type=float, default=0.0, help="seconds for each record")
    parser.add_argument("--max-connections", type=int, help="requests worked on at one time; any number by default")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; a free one by default")
    return parser


def _source(records: str) -> RecordSource:
    return SyntheticRecords(odd=True) if records == "synthetic" else RecordsFile(Path(records))


def _client_key(file: Path | None) -> str:
    key = os.environ.get(KEY_VARIABLE, "") if file is None else file.read_text(encoding="utf-8")
    if not key.strip():
        raise ValueError(f"no client key: give --client-key-file, or set {KEY_VARIABLE}")
    return key.strip()


if __name__ == "__main__":
    main()
