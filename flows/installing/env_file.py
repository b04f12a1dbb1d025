"""The file `.env` itself, before its values are looked at: where it is, its names, and what looks like a slip."""

import io
import os
from collections.abc import Collection, Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from stat import S_IRGRP, S_IROTH
from typing import Final

from dotenv.parser import parse_stream

from tasks.errors import InvalidInputError

CHECKOUT: Final = Path(__file__).parents[2]
ENVIRONMENT_ALONE: Final = ("CODEGRADER_HOME", "SSL_CERT_FILE")
"""What only the environment can say, since it is needed by commands that do not read the file."""
RESEMBLING: Final = 0.8
"""How alike two names are, from 0 to 1, if one is meant as the other."""
RESEMBLING_IN_ENVIRONMENT: Final = 0.85
"""The environment has many variables that are none of ours, such as `EMAIL_TOKEN`."""


def find_env_file(named: Path | None) -> Path:
    """The file that was named; else `.env` in this folder, or else in the checkout, whether it is there or not.

    Raises:
        InvalidInputError: the file that was named is not there.
    """
    if named is None:
        here = Path(".env")
        return here if here.exists() or not (CHECKOUT / here).exists() else CHECKOUT / here
    if not named.exists():
        raise InvalidInputError(f"{named}: there is no such file: correct --env-file")
    return named


def read_names(path: Path) -> list[str]:
    """The names that the file gives a value to; none if it is not there.

    Raises:
        InvalidInputError: it cannot be read, or a line of it cannot.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return []
    except IsADirectoryError:
        raise InvalidInputError(f"{path} is a folder: a file of that name is needed, see .env.example") from None
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidInputError(f"{path} is not a text in UTF-8: save it again as such") from None
    lines = list(parse_stream(io.StringIO(text)))
    # A name alone passes for a line without a value, which is of no use here, and `NAME:value` for a name.
    wrong = [line.original.line for line in lines if line.error or (line.key is not None and line.value is None)]
    if wrong:
        named = f"line{'s' if len(wrong) > 1 else ''} {', '.join(map(str, wrong))}"
        raise InvalidInputError(f"{path}, {named}: write NAME=value, with = and with every quote closed")
    return [line.key for line in lines if line.key]


def find_slips(path: Path, known: Collection[str]) -> Iterator[str]:
    """What is likely a mistake, but may be somebody's intention.

    Args:
        known: the names of all settings.

    Yields:
        A line for each.

    Raises:
        InvalidInputError: see `read_names`.
    """
    names = read_names(path)
    yield from find_misspelt(names, known, f"in {path}")
    yield from find_misspelt(os.environ, known, "in the environment", RESEMBLING_IN_ENVIRONMENT)
    for name in ENVIRONMENT_ALONE:
        if name in names:
            yield f"{name} has no effect in {path}: set it in the environment"
    if names and os.name != "nt" and path.stat().st_mode & (S_IRGRP | S_IROTH):
        yield f"{path} holds your keys and passwords, and others on this machine can read it: chmod 600 {path}"


def find_misspelt(
    names: Iterable[str], known: Collection[str], where: str, resembling: float = RESEMBLING
) -> Iterator[str]:
    """Names that are no setting's, but resemble one; others may be meant for another program.

    Yields:
        A line for each, with the likely name.
    """
    for name in names:
        if name.upper() not in known and (meant := get_close_matches(name.upper(), known, 1, resembling)):
            yield f"{name} {where} is not a setting: did you mean {meant[0]}?"
