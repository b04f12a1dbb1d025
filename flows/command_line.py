"""What every command has in common: one parser, mistakes in one line, and the exit codes.

A command is a function: its parameters are the options, its docstring is the help. 0: done. 1: something failed.
2: what was given cannot be used, and nothing was done.
"""

import gc
import os
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Final

from cyclopts import App, CycloptsError, Parameter

from tasks.errors import CodegraderError, InvalidInputError

DONE: Final = 0
FAILED: Final = 1
UNUSABLE: Final = 2

Switch = Annotated[bool, Parameter(negative="")]
"""An option that is off unless it is named."""


def run_command(command: Callable[..., int], name: str, arguments: Sequence[str] | None = None) -> int:
    """Calls a command, by default with the arguments of this process, and gives its exit code."""
    app = App(
        name=f"codegrader {name}",
        default_command=command,
        version_flags=[],
        help_format="plaintext",
        help_formatter="plain",
        result_action="return_value",
        print_error=False,
        exit_on_error=False,
        help_on_error=False,
        suppress_keyboard_interrupt=False,
    )
    try:
        return app(sys.argv[1:] if arguments is None else list(arguments)) or DONE
    except CycloptsError as error:
        print(f"{' '.join(str(error).split())} See: codegrader {name} --help", file=sys.stderr)
        return UNUSABLE
    except CodegraderError as error:
        print(error, file=sys.stderr)
        return UNUSABLE if isinstance(error, InvalidInputError) else FAILED
    except BrokenPipeError:
        # Nobody reads any more, say because `head` has seen enough; what is left would fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    finally:
        # The process is about to end. Python would else go over all that it holds once more, for a second.
        gc.freeze()
