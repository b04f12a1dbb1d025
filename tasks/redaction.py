"""Redaction: no secret in a text that is shown, in whatever spelling it stands there.

A text from outside may spell a secret as an address does (`%2F`, or `%252F` where it was quoted twice), as HTML does
(`&#x2F;`), as JSON and Python do (a backslash before the slash, or its number), or in a mixture of these. So the
secrets are looked for in the text as it is and as it reads after each step of unquoting and unescaping. What is
replaced is the part of the text that spells one.
"""

import html
import re
import sys
from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import Final, NamedTuple

HIDDEN: Final = "***"
SHORTEST_WORD: Final = 4
"""A shorter secret is hidden only where it stands as a value: `=abc`, or `:abc@` in a URL.

Hidden everywhere, a secret such as `1` or `ok` would spoil most lines, and the holes would tell what it is.
"""
MOST_ROUNDS: Final = 8
"""Nothing is quoted more often than this by accident; it bounds the time that a text of percent signs can take."""

_UTF8: Final = r"{0}[c-f][0-9a-f](?:{0}[89ab][0-9a-f]){{1,3}}|{0}[0-9a-f]{{2}}"
"""The bytes of one character, or one byte, behind a prefix each."""
_ESCAPES: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        _UTF8.format("%"),
        r"&(?:\#[0-9]{1,7}|\#x[0-9a-f]{1,6}|[a-z][0-9a-z]{1,31});?",
        # The last, since a backslash may also stand for itself before one of the others.
        r"(?-i:\\U)[0-9a-f]{8}|(?-i:\\u)d[89ab][0-9a-f]{2}(?-i:\\u)d[c-f][0-9a-f]{2}|(?-i:\\u)[0-9a-f]{4}|"
        + _UTF8.format(r"(?-i:\\x)")
        + r"|\\[\\/\"']|(?-i:\\[abfnrtv])",
    )
)
_ESCAPED: Final = re.compile("|".join(pattern.pattern for pattern in _ESCAPES), re.IGNORECASE)
_CONTROLS: Final = dict(zip("abfnrtv", "\a\b\f\n\r\t\v", strict=True))
_CLIENT_KEY: Final = r"(?<=(?i:client_key=))[^&\s\"'<>]+"


class _Read(NamedTuple):
    """A text as it reads after some rounds of unescaping, and for each of its characters where it was spelled."""

    text: str
    spans: list[tuple[int, int]]


def redact(text: str, secrets: Collection[str]) -> str:
    """The text with `***` in place of each secret, without the space around it, and of any client key in an address."""
    pattern = _pattern_of(frozenset(secrets))
    if not _ESCAPED.search(text):
        return pattern.sub(HIDDEN, text)
    found = sorted(
        (read.spans[match.start()][0], read.spans[match.end() - 1][1])
        for read in _readings(text)
        for match in pattern.finditer(read.text)
    )
    parts, done = [], 0
    for start, end in found:
        if start >= done:
            parts += [text[done:start], HIDDEN]
        done = max(done, end)
    return "".join([*parts, text[done:]])


def unescape(text: str) -> str:
    """The text as it reads when nothing in it is quoted or escaped any more."""
    *_, last = _readings(text)
    return last.text


def _readings(text: str) -> Iterator[_Read]:
    """The text as it is, and after each step of each round of unescaping."""
    read = _Read(text, [(place, place + 1) for place in range(len(text))])
    yield read
    for _ in range(MOST_ROUNDS):
        before = read.text
        for escape in _ESCAPES:
            if escape.search(read.text):
                read = _unescape(read, escape)
                yield read
        if read.text == before:
            return


def _unescape(read: _Read, escape: re.Pattern[str]) -> _Read:
    texts: list[str] = []
    spans: list[tuple[int, int]] = []
    done = 0
    for match in escape.finditer(read.text):
        start, end = match.span()
        meant = _meaning(match[0])
        texts += [read.text[done:start], meant]
        spans += read.spans[done:start]
        spans += [(read.spans[start][0], read.spans[end - 1][1])] * len(meant)
        done = end
    return _Read("".join([*texts, read.text[done:]]), spans + read.spans[done:])


def _meaning(escaped: str) -> str:
    """What one escape stands for."""
    if escaped[0] == "%":
        return _characters(escaped.replace("%", ""))
    match escaped[:2]:
        case "&#":
            digits = escaped[2:].rstrip(";")
            number = int(digits[1:], 16) if digits[0] in "xX" else int(digits)
            return chr(number) if number <= sys.maxunicode else escaped
        case "\\x":
            return _characters(escaped.replace("\\x", ""))
        case "\\u" if len(escaped) > 2:
            # JSON writes a large number in two halves.
            return bytes.fromhex(escaped.replace("\\u", "")).decode("utf-16-be", "surrogatepass")
        case "\\U" if len(escaped) > 2:
            return chr(number) if (number := int.from_bytes(bytes.fromhex(escaped[2:]))) <= sys.maxunicode else escaped
    return html.unescape(escaped) if escaped[0] == "&" else _CONTROLS.get(escaped[1], escaped[1])


def _characters(octets: str) -> str:
    meant = bytes.fromhex(octets)
    try:
        return meant.decode()
    except UnicodeDecodeError:
        return meant.decode("latin-1")


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
