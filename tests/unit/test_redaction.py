"""No secret in a text that is shown, in whatever spelling it stands there."""

import html
import json
import re
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.redaction import redact, unescape
from tests.faults import fault

KEY = "s3cret/+ \\ключ&<\"'"
SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "quoted for a path, which keeps the slash": quote,
    "quoted": lambda text: quote(text, safe=""),
    "quoted in small letters": lambda text: re.sub("%..", lambda code: code[0].lower(), quote(text, safe="")),
    "quoted as a form": quote_plus,
    "quoted, every character of it": lambda text: "".join(f"%{octet:02X}" for octet in text.encode()),
    "HTML": html.escape,
    "HTML by number": lambda text: "".join(f"&#{ord(character)};" for character in text),
    "HTML by number in hexadecimal": lambda text: "".join(f"&#x{ord(character):X};" for character in text),
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON with a backslash before each slash": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "JSON by number": lambda text: "".join(
        f"\\u{half.hex()}" for half in re.findall(b"..", text.encode("utf-16-be"), re.DOTALL)
    ),
    "Python": lambda text: repr(text)[1:-1],
    "Python by number": lambda text: "".join(f"\\U{ord(character):08x}" for character in text),
    "Python's bytes": lambda text: repr(text.encode())[2:-1],
}
# HTML has no number for a control character, and none for what is no character. Of a backslash that one character
# leaves as it is and the next one's spelling begins with, nobody can tell whose it is.
TYPED = st.characters(codec="utf-8", exclude_categories=["Cc", "Cn"], exclude_characters="\\")
PLAIN = st.text(TYPED, max_size=20)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_secret_is_hidden_in_every_spelling_and_where_that_is_spelled_once_more(spelling: str) -> None:
    for again in SPELLINGS.values():
        spelled = again(SPELLINGS[spelling](KEY))
        assert redact(f"before {spelled} after", [KEY]) == "before *** after"


@fault("secrets", "a secret spelled as an address, HTML, JSON or Python does, or mixed, up to three times", "`***`")
@given(
    secret=st.text(TYPED, min_size=4, max_size=24).filter(lambda text: len(text.strip()) > 3),
    rounds=st.lists(st.sampled_from(sorted(SPELLINGS)), min_size=1, max_size=3),
    data=st.data(),
)
def test_a_secret_is_hidden_however_its_characters_are_spelled(
    secret: str, rounds: list[str], data: st.DataObject
) -> None:
    """Each character in a spelling of its own, and the whole once or twice more."""
    secret = secret.strip()
    characters = [SPELLINGS[data.draw(st.sampled_from(sorted(SPELLINGS)))](character) for character in secret]
    spelled = "".join(characters)
    for spelling in rounds:
        spelled = SPELLINGS[spelling](spelled)
    shown = redact(f"<{spelled}>", [secret])
    assert "***" in shown
    assert spelled not in shown


@given(PLAIN, PLAIN)
def test_the_text_around_a_secret_stays_as_it_was(before: str, after: str) -> None:
    assert redact(f"{before} | sesame/open | {after}", ["sesame/open"]) == f"{before} | *** | {after}"


@given(st.text())
def test_a_text_without_a_secret_stays_as_it_is(text: str) -> None:
    assert redact(text, ["sesame-open-4711"]) == text
    assert redact(text, []) == text or "client_key=" in unescape(text)


@pytest.mark.parametrize(
    "text", ["%00%zz%", "&#99999999999;&#xFFFFFFFF;&;", "\\U00110000\\ud800\\x", "%ff%c3", "%25" * 9]
)
def test_what_only_looks_escaped_stays_as_it_is(text: str) -> None:
    assert redact(text, ["sesame-open"]) == text
    assert isinstance(unescape(text), str)


@pytest.mark.parametrize(
    ("text", "secrets", "shown"),
    [
        # The longest goes first; the line end of one from a file is no part of it.
        ("alphabet, alpha", ["alpha\n", "alphabet"], "***, ***"),
        # A short one is hidden only as a value.
        (
            "q7 rows, q70, none= password=q7 key=q7&a=q7x postgresql://me:q7@db/x key%3Dq7",
            ["q7", "", " "],
            "q7 rows, q70, none= password=*** key=***&a=q7x postgresql://me:***@db/x key=***",
        ),
        # A client key is hidden even where nobody named it.
        ("GET /api?client=c&client_key=unheard(of)&end=1", [], "GET /api?client=c&client_key=***&end=1"),
        ("to=%2Fapi%3Fclient_key%3Dunheard%26end%3D1", [], "to=/api?client_key=***&end=1"),
    ],
)
def test_what_is_hidden_where_secrets_meet_are_short_or_are_not_named(
    text: str, secrets: list[str], shown: str
) -> None:
    assert redact(text, secrets) == shown
