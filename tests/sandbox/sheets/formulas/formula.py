"""Formulas, read into a tree: sums, comparisons, joined texts, references and calls of functions."""

import re
from dataclasses import dataclass
from typing import TypeAlias

from tests.sandbox.sheets.book.a1 import Span, parse_span

TITLE = r"(?:'(?:[^']|'')+'!|[A-Za-z_][A-Za-z0-9_.]*!)?"
CELL, COLUMN, ROW = r"\$?[A-Za-z]{1,3}\$?[0-9]+", r"\$?[A-Za-z]{1,3}", r"\$?[0-9]+"
TOKEN = re.compile(
    r"\s*(?:"
    rf"(?P<reference>{TITLE}(?:{CELL}(?::(?:{CELL}|{COLUMN}|{ROW}))?|{COLUMN}:{COLUMN}|{ROW}:{ROW})(?![A-Za-z0-9_(.]))"
    r"|(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r'|(?P<text>"(?:[^"]|"")*")'
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_.]*)"
    r"|(?P<sign><>|<=|>=|[-+*/^&=<>%(),;])"
    r")\s*"
)
COMPARISONS = {"=", "<>", "<", ">", "<=", ">="}
# What binds more tightly comes later.
BINARY: tuple[set[str], ...] = (COMPARISONS, {"&"}, {"+", "-"}, {"*", "/"}, {"^"})


@dataclass(frozen=True)
class Constant:
    """A number, a text or a truth value that is written out."""

    value: float | str | bool


@dataclass(frozen=True)
class Reference:
    """One cell or more; `title` is None for cells of the formula's own sheet."""

    title: str | None
    span: Span


@dataclass(frozen=True)
class Call:
    """A function by its name in capitals, or a sign: `+` between two operands, `-_` before one, `_%` after one."""

    name: str
    arguments: tuple["Node", ...]


@dataclass(frozen=True)
class Name:
    """A word that is neither a function nor a reference, such as the name of a range."""

    text: str


Node: TypeAlias = Constant | Reference | Call | Name


class FormulaSyntaxError(ValueError):
    """A formula that cannot be read; the service shows `#ERROR!`."""


def parse_formula(text: str) -> Node:
    """Read a formula.

    Args:
        text: the formula with its `=`.

    Raises:
        FormulaSyntaxError: it is not a formula.
    """
    reader = _Reader(text[1:])
    tree = reader.operation(0)
    if reader.kind:
        raise FormulaSyntaxError(text)
    return tree


class _Reader:
    """Reads one token ahead; `kind` is empty at the end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0
        self.kind = ""
        self.token = ""
        self.advance()

    def advance(self) -> str:
        """Go on to the next token and give the present one."""
        passed = self.token
        if self._place == len(self._text):
            self.kind = self.token = ""
            return passed
        match = TOKEN.match(self._text, self._place)
        if match is None or match.lastgroup is None:
            raise FormulaSyntaxError(self._text)
        self.kind, self.token, self._place = match.lastgroup, match[match.lastgroup], match.end()
        return passed

    def operation(self, level: int) -> Node:
        """Read operands joined by signs that bind at least as tightly as `level` says."""
        if level == len(BINARY):
            return self.signed()
        left = self.operation(level + 1)
        while self.kind == "sign" and self.token in BINARY[level]:
            sign = self.advance()
            left = Call(sign, (left, self.operation(level + 1)))
        return left

    def signed(self) -> Node:
        if self.kind == "sign" and self.token in {"+", "-"}:
            return Call(f"{self.advance()}_", (self.signed(),))
        node = self.operand()
        while self.kind == "sign" and self.token == "%":
            self.advance()
            node = Call("_%", (node,))
        return node

    def operand(self) -> Node:
        if self.kind == "number":
            return Constant(float(self.advance()))
        if self.kind == "text":
            return Constant(self.advance()[1:-1].replace('""', '"'))
        if self.kind == "reference":
            return _reference(self.advance())
        if self.kind == "name":
            return self.word()
        if self.token == "(":
            self.advance()
            inner = self.operation(0)
            self.expect(")")
            return inner
        raise FormulaSyntaxError(self._text)

    def word(self) -> Node:
        name = self.advance()
        if self.token == "(":
            return Call(name.upper(), tuple(self.arguments()))
        if name.upper() in {"TRUE", "FALSE"}:
            return Constant(name.upper() == "TRUE")
        return Name(name)

    def arguments(self) -> list[Node]:
        self.expect("(")
        found: list[Node] = []
        while self.token != ")":
            found.append(self.operation(0))
            if self.token in {",", ";"}:
                self.advance()
            elif self.token != ")":
                raise FormulaSyntaxError(self._text)
        self.expect(")")
        return found

    def expect(self, sign: str) -> None:
        if self.token != sign or self.kind != "sign":
            raise FormulaSyntaxError(self._text)
        self.advance()


def _reference(text: str) -> Reference:
    title, mark, rest = text.rpartition("!")
    span = parse_span(rest)
    if span is None:
        raise FormulaSyntaxError(text)
    if not mark:
        return Reference(None, span)
    return Reference(title[1:-1].replace("''", "'") if title.startswith("'") else title, span)
