"""The file `.env` itself, before its values are looked at: where it is, and the names in it."""

import io
from collections.abc import Collection, Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from dotenv.parser import parse_stream

from tasks.errors import InvalidInputError

CHECKOUT: Final = Path(__file__).parents[2]


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
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidInputError(f"{path} is not a text in UTF-8: save it again as such") from None
    lines = list(parse_stream(io.StringIO(text)))
    # python-dotenv takes a name alone for a line without a value, and `NAME:value` for a name.
    wrong = [str(line.original.line) for line in lines if line.error or (line.key is not None and line.value is None)]
    if wrong:
        raise InvalidInputError(
            f"{path}, line {', '.join(wrong)}: write NAME=value, with = and with every quote closed"
        )
    return [line.key for line in lines if line.key]


def find_misspelt(names: Iterable[str], known: Collection[str], where: str, resembling: float = 0.8) -> Iterator[str]:
    """Names that are no setting's, but resemble one; others may be meant for another program.

    Args:
        resembling: how alike two names are, from 0 to 1, if one is meant as the other.

    Yields:
        A line for each, with the likely name.
    """
    for name in names:
        if name.upper() not in known and (meant := get_close_matches(name.upper(), known, 1, resembling)):
            yield f"{name} {where} is not a setting: did you mean {meant[0]}?"
