"""Formulas, as far as the Sheets stand-in works them out."""

import pytest

from tests.sandbox.sheets.direct import DirectCaller
from tests.sandbox.sheets.protocol.json_types import Json


@pytest.fixture
def caller() -> DirectCaller:
    caller = DirectCaller()
    caller.enter("A1:C2", [2, 3, "text"], ["5", "", True])
    return caller


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("= 1 / 1024", 0.0009765625),
        ("=1+2*3^2", 19),
        ("=-2^2", 4),
        ("=(1+2)*3%", 0.09),
        ('="a"&"b""c"&1.5&TRUE', 'ab"c1.5TRUE'),
        ("=A1+B1", 5),
        ("=$A$1*Sheet1!B1", 6),
        ("='Sheet1'!A2", 5),
        ("=D9", 0),
        ("=SUM(A1:B2, 10)", 20),
        ("=SUM(A:A)", 7),
        ("=SUM(2:2)", 5),
        ("=AVERAGE(A1:B1)", 2.5),
        ("=COUNT(A1:C2)", 3),
        ("=COUNTA(A1:C2)", 5),
        ("=MIN(A1:B2)", 2),
        ("=MAX(A1:B2)", 5),
        ('=IF(A1>B1, "more", "less")', "less"),
        ("=AND(TRUE, A1<=2, A1<>3)", True),
        ("=OR(A1=3, NOT(B1>=3))", False),
        ('="A"="a"', True),
        ('="a">1', True),
        ("=ROUND(2.345; 2)", 2.35),
        ("=ABS(-3)", 3),
        ('=CONCATENATE("n=", A1)', "n=2"),
        ('=LEN(UPPER("ab") & LOWER("C"))', 3),
        ('=HYPERLINK("https://example.org", "here")', "here"),
        ("=DATE(2023, 4, 1)", 45017),
        ("=1/0", "#DIV/0!"),
        ("=AVERAGE(F1:F9)", "#DIV/0!"),
        ('=1+"x"', "#VALUE!"),
        ("=A1:B1", "#VALUE!"),
        ("=1/0+1", "#DIV/0!"),
        ("=SUM(1/0, 1)", "#DIV/0!"),
        ("=(-1)^0.5", "#NUM!"),
        ("=10^400", "#NUM!"),
        ("=ABS(1, 2)", "#N/A"),
        ("=unknown", "#NAME?"),
        ("=NOSUCH(1)", "#NAME?"),
        ("=Nowhere!A1", "#REF!"),
        ("=G1", "#REF!"),
        ("=1+", "#ERROR!"),
        ("=SUM(1", "#ERROR!"),
        ("=SUM(1 2)", "#ERROR!"),
        ("=7 999", "#ERROR!"),
        ("={1}", "#ERROR!"),
    ],
)
def test_a_formula_comes_to_its_value(caller: DirectCaller, formula: str, value: Json) -> None:
    caller.enter("G1", [formula])
    assert caller.read("G1", "UNFORMATTED_VALUE") == [[pytest.approx(value) if isinstance(value, float) else value]]
    assert caller.read("G1", "FORMULA") == [[formula]]


def test_a_formula_follows_the_cells_that_it_refers_to(caller: DirectCaller) -> None:
    caller.enter("E1:F1", ["=A1*2", "=E1+1"])
    assert caller.read("E1:F1") == [["4", "5"]]
    caller.enter("A1", [10])
    assert caller.read("E1:F1") == [["20", "21"]]


def test_a_formula_takes_the_format_of_the_cell_that_it_repeats(caller: DirectCaller) -> None:
    caller.enter("A1:C1", ["2023-04-01", "=A1", "=DATE(2023,4,1)"])
    assert caller.read("A1:C1") == [["2023-04-01", "2023-04-01", "4/1/2023"]]
    assert caller.read("A1:C1", "UNFORMATTED_VALUE") == [[45017, 45017, 45017]]
