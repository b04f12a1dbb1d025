"""The part of `docs/figures.md` about each figure, written from its declaration: `python -m tests.figures_page`.

With `--check` nothing is written; the exit code says whether the page is up to date.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Final

from schemas.figures import DAILY_FIGURES, Figure
from schemas.period_figures import PERIOD_FIGURES
from schemas.task_figures import STUDENT_TASKS, TASK_FIGURES

PAGE: Final = Path(__file__).parents[1] / "docs" / "figures.md"
BEGIN, END = "<!-- figures: written by python -m tests.figures_page -->", "<!-- end of figures -->"
LAST: Final = "(SELECT max(day) FROM daily_metrics)"
FIRST: Final = f"({LAST} - 27)"


def daily_query(figure: Figure) -> str:
    """The figure of the newest day, from the attempts."""
    zone = "(SELECT max(time_zone) FROM daily_metrics)"
    return (
        f"SELECT {figure.sql} AS {figure.name}\nFROM attempts\n"
        f"WHERE created_at >= {LAST}::timestamp AT TIME ZONE {zone}\n"
        f"    AND created_at < ({LAST} + 1)::timestamp AT TIME ZONE {zone};"
    )


def period_query(figure: Figure) -> str:
    """The figure of the newest day, from the roll-up."""
    return f"SELECT {_dedent(figure.sql.format(first=LAST, last=LAST))} AS {figure.name};"


def task_query(figure: Figure) -> str:
    """The figure of every task over the four weeks that end with the newest day."""
    rows = STUDENT_TASKS.format(first=FIRST, last=LAST)
    return f"SELECT course, task, {figure.sql} AS {figure.name}\nFROM {rows}\nGROUP BY course, task;"


def _dedent(sql: str) -> str:
    first, _, rest = sql.partition("\n")
    return f"{first}\n{dedent(rest)}" if rest else first


CHAPTERS: Final = (
    ("Of a day, kept in `daily_metrics`", DAILY_FIGURES, daily_query),
    ("Of a day or a period, computed when asked for", PERIOD_FIGURES, period_query),
    ("Of a task over a period", TASK_FIGURES, task_query),
)


def write_page(page: str) -> str:
    """The page with its part about each figure written anew."""
    before, after = page.partition(BEGIN)[0], page.partition(END)[2]
    lines = "\n".join(_lines())
    return f"{before}{BEGIN}\n\n{lines}\n{END}{after}"


def _lines() -> Iterator[str]:
    for title, figures, query in CHAPTERS:
        yield f"### {title}\n"
        for figure in figures:
            yield f"#### `{figure.name}`\n"
            yield f"**{figure.title.en}.** {figure.meaning.en} {figure.edges}\n"
            yield f"Source: {figure.source}. {'Can be summed over days.' if figure.is_sum else 'Cannot be summed.'}\n"
            yield f"```sql\n{query(figure)}\n```\n"


if __name__ == "__main__":
    old = PAGE.read_text("utf-8")
    new = write_page(old)
    if "--check" in sys.argv:
        sys.exit("docs/figures.md is not up to date: python -m tests.figures_page" if new != old else 0)
    PAGE.write_text(new, "utf-8")
