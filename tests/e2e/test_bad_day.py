"""A bad day: a checker that refuses everything in one task, and what a reader learns of it from the mail alone."""

import base64
from ast import literal_eval
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any, Final, Literal

import pytest

from tasks.titles import TITLES_TAB
from tests.fixtures.browser import browser_running
from tests.fixtures.pipelines import Pipelines
from tests.sandbox.grader import SyntheticRecords
from tests.sandbox.sheets.client import open_client
from tests.sandbox.world import SPREADSHEET_ID

pytestmark = pytest.mark.slow

SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")

TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
YESTERDAY = TODAY - timedelta(days=1)
TWO_WEEKS = YESTERDAY - timedelta(days=14)


def sourced_id(record: dict[str, Any]) -> str:
    """Course, LMS and task, as they stand in the LTI parameters."""
    return str(literal_eval(str(record["passback_params"]))["lis_result_sourcedid"]).rpartition(":")[0]


class BrokenChecker:
    """Attempts at the fictitious university; in one task yesterday's submits are all wrong."""

    def __init__(self) -> None:
        self._records = SyntheticRecords()
        submits = [one for one in self._records.between(YESTERDAY, TODAY) if one["attempt_type"] == "submit"]
        students = Counter(task for task, _ in {(sourced_id(one), one["lti_user_id"]) for one in submits})
        ((self.broken, _),) = students.most_common(1)
        self.submits = sum(sourced_id(one) == self.broken for one in submits)

    def between(self, start: datetime, end: datetime) -> Sequence[object]:
        return [
            {**one, "is_correct": 0} if start >= YESTERDAY and self._is_broken(one) else one
            for one in self._records.between(start, end)
        ]

    def _is_broken(self, record: dict[str, Any]) -> bool:
        return record["attempt_type"] == "submit" and sourced_id(record) == self.broken


def test_the_mail_names_the_task_and_leads_to_it_on_every_screen(pipelines: Pipelines, tmp_path: Path) -> None:
    source = BrokenChecker()
    course, _, place = source.broken.rpartition(":")
    task = place.rpartition("-")[2]
    pipeline = pipelines.make(source)
    sheets = pipeline.world.sheets
    book = open_client(sheets.service_account_info(), sheets.url).open_by_key(SPREADSHEET_ID)
    book.add_worksheet(TITLES_TAB, 10, 3).update([["course", "task", "title"], [course, task, "Вложенные циклы"]], "A1")
    assert pipeline.run(str(TWO_WEEKS.date()), str(YESTERDAY.date() - timedelta(days=1)), publish=False).is_completed()

    assert pipeline.run(lookback_days=0, heal_days=0).is_completed()

    (mail,) = pipeline.world.smtp.messages
    assert "«Вложенные циклы» не принимает решений" in mail["Subject"]
    plain, html = (str(part.get_content()) for part in map(mail.get_body, (("plain",), ("html",))) if part)
    for text in (plain, html):
        assert "«Вложенные циклы»" in text
        assert f"ни одной верной из {source.submits}" in text.replace("\xa0", " ")
        assert f"/courses/{course}/jump_to_id/{task}" in text

    (chart,) = (part for part in mail.walk() if part.get_content_type() == "image/png")
    picture = f"data:image/png;base64,{base64.b64encode(chart.get_content()).decode()}"
    html = html.replace(f"cid:{chart['Content-ID'].strip('<>')}", picture)
    with browser_running() as browser:
        for width, scheme in product((360, 768, 1280), SCHEMES):
            page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
            page.set_content(html)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            # For people to look at.
            page.screenshot(path=tmp_path / f"mail-{width}-{scheme}.png", full_page=True)
