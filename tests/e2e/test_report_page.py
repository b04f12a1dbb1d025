"""The report in a browser: for every eye, screen and hand, from disk, with its script and without."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from schemas.section import Findings, Headline
from schemas.summary import RunSummary, StageFailure
from tasks.report import render_html
from tests.fixtures.browser import browser_running
from tests.fixtures.summaries import add_courses, make_summary

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

HOSTILE = f"=1+1 <script>document.title = 'x'</script> 🎓 \u202eمهمة {'long' * 60}"


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with browser_running() as browser:
        yield browser


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    summary: RunSummary = make_summary(28, missing=(3,), incomplete=(9,), language="en")
    summary = add_courses(summary, courses=2, tasks=12, title=HOSTILE)
    told = Findings(headlines=tuple(Headline(HOSTILE, urgency) for urgency in ("alarm", "todo")))
    path = tmp_path / "report.html"
    failed = replace(summary, failures=(StageFailure("sheet", HOSTILE),), findings=(*summary.findings, told))
    path.write_text(render_html(failed), "utf-8")
    return path


def visit(browser: "Browser", path: Path, said: list[str], **screen: Any) -> "Page":
    """The page, of which everything is noted that it asks for or complains of."""
    page = browser.new_page(**screen)
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: said.append(request.url))
    page.goto(path.as_uri())
    return page


def test_it_can_be_read_on_every_screen_and_used_by_keyboard_and_pointer(
    browser: "Browser", saved: Path, tmp_path: Path
) -> None:
    said: list[str] = []
    for width, scheme in product((360, 1280), ("light", "dark")):
        page = visit(browser, saved, said, viewport={"width": width, "height": 900}, color_scheme=scheme)
        found = Axe().run(page)
        assert not found.violations_count, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        # For people to look at.
        page.screenshot(path=tmp_path / f"report-{width}-{scheme}.png", full_page=True)

    chart = page.locator("#days .points")
    output = page.locator("#days output")
    assert chart.get_attribute("role") == "slider"
    chart.focus()
    page.keyboard.press("Home")
    assert str(chart.get_attribute("aria-valuetext")).startswith("2023-04-01, Sat: Attempts 4,011;")
    page.keyboard.press("ArrowRight")
    assert output.inner_text().startswith("2023-04-02, Sun: Attempts 4,022;")
    assert output.inner_text() == chart.get_attribute("aria-valuetext")
    box = chart.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 3.5 / 28, box["y"] + 5)
    assert output.inner_text() == "2023-04-04, Tue: no data"

    tasks = page.locator("#tasks")
    rows = tasks.locator("tbody tr:visible")
    tasks.get_by_label("Search").fill("🎓")
    tasks.get_by_label("Course").select_option("Uni+1")
    assert (rows.count(), tasks.locator("output").inner_text()) == (12, "Rows: 12 of 24")
    head = tasks.locator("th").nth(2)
    for direction, first in (("ascending", "0"), ("descending", "11")):
        head.get_by_role("button").click()
        assert head.get_attribute("aria-sort") == direction
        assert rows.first.locator("td").nth(1).inner_text() == first
    tasks.get_by_label("Search").fill("nothing like it")
    assert (rows.count(), tasks.locator("output").inner_text()) == (0, "Rows: 0 of 24")
    assert set(said) == {saved.as_uri()}
    assert page.title().startswith("CodeGrader")


def test_without_its_script_nothing_is_lost(browser: "Browser", saved: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(saved.as_uri())
    assert page.locator("#tasks tbody tr:visible").count() == 24
    assert not page.locator("#tasks .tools").is_visible()
    assert str(page.locator("#days title").first.text_content()).startswith("2023-04-01, Sat: Attempts 4,011; ")
    page.locator("#days summary").first.click()
    assert page.locator("#days tbody tr:visible").count() == 28
    context.close()
