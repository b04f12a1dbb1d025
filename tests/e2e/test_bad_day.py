"""A bad day: a checker that refuses everything in one task, and what a reader learns of it from the mail alone."""

import base64
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any, Final, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe

from tasks.sheet_tabs import TABS
from tasks.titles import TITLES_TAB
from tests.fixtures.browser import browser_running
from tests.fixtures.pipelines import Pipelines
from tests.fixtures.sheet_page import draw
from tests.sandbox.grader import RecordList
from tests.sandbox.sheets.client import open_client
from tests.sandbox.world import SPREADSHEET_ID

pytestmark = pytest.mark.slow

YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)
COURSE, HOST = "course-v1:University+PY-101+2026", "lms.university.example"
TASKS = ("loops", "lists", "strings")
BROKEN = TASKS[0]
STUDENTS = 24
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")


def submits(days_before: int) -> list[dict[str, Any]]:
    """Every student hands every task in once; two of three are right, but none of the broken task's of yesterday."""
    return [
        {
            "lti_user_id": f"{student:032x}",
            "passback_params": f"{{'lis_result_sourcedid': '{COURSE}:{HOST}-{task}:{student:032x}'}}",
            "is_correct": int((student + days_before) % 3 > 0 and (task != BROKEN or days_before > 0)),
            "attempt_type": "submit",
            "created_at": f"{YESTERDAY - timedelta(days=days_before)} 10:{student:02}:{place:02}.5",
        }
        for student in range(STUDENTS)
        for place, task in enumerate(TASKS)
    ]


def test_the_mail_names_the_task_and_leads_to_it_on_every_screen(pipelines: Pipelines, tmp_path: Path) -> None:
    pipeline = pipelines.make(RecordList([one for day in range(5) for one in submits(day)]))
    sheets = pipeline.world.sheets
    book = open_client(sheets.service_account_info(), sheets.url).open_by_key(SPREADSHEET_ID)
    titles = [["course", "task", "title"], [COURSE, BROKEN, "Вложенные циклы"]]
    book.add_worksheet(TITLES_TAB, 10, 3).update(titles, "A1")
    first, last = (str(YESTERDAY - timedelta(days=days)) for days in (4, 1))
    assert pipeline.run(first, last, publish=False, window_hours=24).is_completed()

    assert pipeline.run(lookback_days=0, heal_days=0).is_completed()

    (mail,) = pipeline.world.smtp.messages
    assert "«Вложенные циклы» не принимает решений" in mail["Subject"]
    plain, html = (str(part.get_content()) for part in map(mail.get_body, (("plain",), ("html",))) if part)
    for text in (plain, html):
        assert "«Вложенные циклы»" in text
        assert f"ни одной верной из {STUDENTS} отправок" in text.replace("\xa0", " ")
        assert f"https://{HOST}/courses/{COURSE}/jump_to_id/{BROKEN}" in text
    (chart,) = (part for part in mail.walk() if part.get_content_type() == "image/png")
    picture = f"data:image/png;base64,{base64.b64encode(chart.get_content()).decode()}"
    html = html.replace(f"cid:{chart['Content-ID'].strip('<>')}", picture)
    with browser_running() as browser:
        for width, scheme in product((360, 768, 1280), SCHEMES):
            page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
            page.set_content(html)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert not Axe().run(page).violations_count
            # For people to look at.
            page.screenshot(path=tmp_path / f"mail-{width}-{scheme}.png", full_page=True)
        page = browser.new_page(viewport={"width": 1600, "height": 700})
        for tab in TABS:
            page.set_content(draw(book, tab.title))
            page.screenshot(path=tmp_path / f"sheet-{tab.title}.png", full_page=True)
    head, *rows = sheets.cells(SPREADSHEET_ID, TITLES_TAB)
    (broken,) = (dict(zip(head, row, strict=False)) for row in rows if row[1] == BROKEN)
    assert (broken["title"], broken["Пробовали"]) == ("Вложенные циклы", str(STUDENTS))
