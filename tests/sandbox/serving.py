"""A stand-in as a process of its own: it prints the settings that lead to it, and serves until it is told to stop."""

import argparse
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Event


def listen_for_stop() -> Callable[[], None]:
    """Have SIGTERM and SIGINT (Ctrl-C) stop this process in good order.

    Returns:
        A function that returns once one of them has come.
    """
    told = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())

    def wait() -> None:
        # A wait without a limit cannot be interrupted on Windows.
        while not told.wait(timeout=0.5):
            pass

    return wait


def read_folder(program: str, description: str | None, arguments: Sequence[str] | None) -> Path:
    """Read the one option of a stand-in's command line, the folder for what it writes, and make that folder.

    Args:
        program: the module that is run.
        description: what it does.
        arguments: the command line after the program's name; None for this process's own.

    Raises:
        SystemExit: the command line, or the folder, cannot be used; the message says why.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {program}", description=description)
    parser.add_argument(
        "--folder", type=Path, help="where it writes; default: stand-ins in the folder of everything else"
    )
    folder: Path | None = parser.parse_args(arguments).folder
    if folder is None:
        from flows.running.home import home_folder

        return home_folder("stand-ins")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"{folder} cannot be used ({error.strerror}): choose another folder")
    return folder.absolute()


def print_settings(settings: Mapping[str, str], *hints: str) -> None:
    """Print the lines of a `.env`, and to standard error what a person has to know.

    Args:
        settings: each setting's name and value.
        hints: a line each.
    """
    print("\n".join(f"{name}={value}" for name, value in settings.items()), flush=True)
    print(*hints, "It serves until Ctrl-C. These settings hold until then.", sep="\n", file=sys.stderr, flush=True)
