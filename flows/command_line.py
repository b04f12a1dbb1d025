"""What every command has in common: one parser, mistakes in one line, and the exit codes.

A command is a function: its parameters are the options, its docstring is the help. 0: done. 1: something failed.
2: what was given cannot be used, and nothing was done.
"""

import inspect
import os
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final

from cyclopts import App, CycloptsError, Parameter

from tasks.errors import CodegraderError, InvalidInputError

DONE: Final = 0
FAILED: Final = 1
UNUSABLE: Final = 2

Switch = Annotated[bool, Parameter(negative="")]
"""An option that is off unless it is named."""


def run_command(command: Callable[..., int], name: str, arguments: Sequence[str] | None = None) -> int:
    """Reads the arguments and calls the command with those that were given.

    Args:
        command: returns its exit code; may raise a `CodegraderError`.
        name: what the command is called, such as `etl`.
        arguments: None for those of this process.

    Returns:
        The exit code.
    """
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
        _tell(f"{' '.join(str(error).split())} See: codegrader {name} --help")
    except InvalidInputError as error:
        _tell(error)
    except CodegraderError as error:
        _tell(error)
        return FAILED
    except BrokenPipeError:
        return close_output()
    return UNUSABLE


def close_output() -> int:
    """Ends what nobody reads any more, say because `head` has seen enough; else the rest would fail again at exit.

    Returns:
        The exit code.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FAILED


def add_options(command: Callable[..., int], declared: Callable[..., Any]) -> Callable[..., int]:
    """Gives a command the options of a flow, so that the command line and the run form have one declaration.

    Args:
        command: takes options of its own, by name, and the flow's as `**parameters`.
        declared: the flow's function; its docstring becomes the help.
    """
    options = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in _parameters(declared)]
    own = [parameter for parameter in _parameters(command) if parameter.kind is inspect.Parameter.KEYWORD_ONLY]

    def with_options(**given: Any) -> int:
        return command(**given)

    with_options.__doc__ = inspect.getdoc(declared)
    with_options.__signature__ = inspect.Signature([*options, *own])  # type: ignore[attr-defined]
    with_options.__annotations__ = {parameter.name: parameter.annotation for parameter in (*options, *own)}
    return with_options


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    return list(inspect.signature(function, eval_str=True).parameters.values())


def _tell(error: object) -> None:
    print(error, file=sys.stderr)
