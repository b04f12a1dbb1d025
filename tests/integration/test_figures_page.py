"""Each query of `docs/figures.md` gives, as it stands, the value that the exports show."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.figures_page import CHAPTERS, PAGE
from tests.integration.loading import column, rows
from tests.integration.test_cases import export, load_attempts
from tests.integration.test_oracle import a_term


def as_text(value: Any) -> str:
    return "" if value is None else str(value)


def test_every_query_gives_the_value_that_is_exported(engine: Engine) -> None:
    load_attempts(engine, a_term(1))
    (last,) = column(engine, "SELECT max(day) FROM daily_metrics")
    page = PAGE.read_text("utf-8")
    tasks = export(engine, "tasks", last - timedelta(days=27), last)
    day = export(engine, "days", last, last)[0]
    for figure, query in [(figure, query) for _, figures, query in CHAPTERS for figure in figures]:
        statement = query(figure)
        assert f"```sql\n{statement}\n```" in page
        found = rows(engine, statement.replace(":", r"\:"))
        expected = (
            [(row["task"], row[figure.name]) for row in tasks] if len(found[0]) == 3 else [("", day[figure.name])]
        )
        shown = sorted((row[1] if len(row) == 3 else "", row[-1]) for row in found)
        for (name, value), (other, text) in zip(shown, sorted(expected), strict=True):
            assert name == other
            assert (value is None) == (text == ""), figure.name
            assert value is None or float(value) == pytest.approx(float(text), abs=1e-9), figure.name
