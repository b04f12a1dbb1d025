"""Redaction: no secret in a text that is shown, in whatever spelling it stands there.

A text from outside may spell a secret as an address does (`%2F`, or `%252F` where it was quoted twice), as HTML does
(`&#x2F;`), as JSON and Python do (a backslash before the slash, or its number), or in a mixture of these. So the
secrets are looked for in the text as it is and as it reads after each step of unquoting and unescaping. Where one is
found, the text is shown as it reads after that step.
"""

import codecs
import re
from collections.abc import Callable, Collection
from functools import lru_cache
from html import unescape as unescape_html
from typing import Final
from urllib.parse import unquote

HIDDEN: Final = "***"
SHORTEST_WORD: Final = 4
"""A shorter secret is hidden only where it stands as a value: `=abc`, or `:abc@` in a URL.

Hidden everywhere, a secret such as `1` or `ok` would spoil most lines, and the holes would tell what it is.
"""
MOST_ROUNDS: Final = 8
"""Nothing is quoted more often than this by accident; it bounds the time that a text of percent signs can take."""

_HEX: Final = "[0-9a-fA-F]"
_BACKSLASHED: Final = re.compile(
    rf"((?:\\x{_HEX}{{2}})+)|((?:\\u{_HEX}{{4}})+)|\\U(00(?:0{_HEX}|10){_HEX}{{4}})|\\([\\/\"'abfnrtv])"
)
_CONTROLS: Final = dict(zip("abfnrtv", "\a\b\f\n\r\t\v", strict=True))
_CLIENT_KEY: Final = r"(?<=(?i:client_key=))[^&\s\"'<>]+"


def redact(text: str, secrets: Collection[str]) -> str:
    """The text with `***` in place of each secret, without the space around it, and of any client key in an address."""
    pattern = _pattern_of(frozenset(secrets))
    shown = read = pattern.sub(HIDDEN, text)
    for _ in range(MOST_ROUNDS):
        before = read
        for unspell in _SPELLINGS:
            read = unspell(read)
            hidden = pattern.sub(HIDDEN, read)
            if hidden != read:
                shown = read = hidden
        if read == before:
            break
    return shown


def unescape(text: str) -> str:
    """The text as it reads when nothing in it is quoted or escaped any more."""
    for _ in range(MOST_ROUNDS):
        for unspell in _SPELLINGS:
            text = unspell(text)
    return text


def _unquote(text: str) -> str:
    return unquote(text, errors=_AS_LATIN)


def _unescape_backslashes(text: str) -> str:
    return _BACKSLASHED.sub(_meaning, text)


def _meaning(match: re.Match[str]) -> str:
    octets, halves, number, character = match.groups()
    if octets:
        return bytes.fromhex(octets.replace(r"\x", "")).decode(errors=_AS_LATIN)
    if halves:
        # JSON writes a large number in two halves.
        return bytes.fromhex(halves.replace(r"\u", "")).decode("utf-16-be", "surrogatepass")
    return chr(int(number, 16)) if number else _CONTROLS.get(character, character)


def _octet_as_latin(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("latin-1"), error.end


_AS_LATIN: Final = "codegrader.latin"
"""How bytes are read that are not UTF-8: Python writes so what it does not print."""
codecs.register_error(_AS_LATIN, _octet_as_latin)

# Backslashes last, since one may also stand for itself before one of the others.
_SPELLINGS: Final[tuple[Callable[[str], str], ...]] = (_unquote, unescape_html, _unescape_backslashes)


@lru_cache(maxsize=64)
def _pattern_of(secrets: frozenset[str]) -> re.Pattern[str]:
    """Matches every secret, as it is and unescaped; the longest first, so that no tail of one stays behind another."""
    known = {secret.strip() for secret in secrets}
    forms = (known | {unescape(secret) for secret in known}) - {""}
    by_length = sorted(forms, key=lambda form: (-len(form), form))
    return re.compile("|".join([*map(_matching, by_length), _CLIENT_KEY]))


def _matching(form: str) -> str:
    # An address may write a space as a plus sign.
    pattern = re.sub(r"\\[ +]|[ +]", "[ +]", re.escape(form))
    if len(form) >= SHORTEST_WORD:
        return pattern
    # Behind an equals sign and before what ends a value, or as the password in a URL.
    return rf"(?<==){pattern}(?![^&\s\"',;)])|(?<=:){pattern}(?=@)"
