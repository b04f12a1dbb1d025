"""The dashboard as an analyst uses it: in a browser, with a form that starts a run and pages that show what came of it.

Each page is left as a picture in pytest's temporary folder, `screenshots*`, for people to look at.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from schemas.figures import DAILY_FIGURES
from tasks.analyses.checks import CHECKS
from tests.fixtures.product import PASSWORD, Product
from tests.fixtures.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow

FIRST, LAST = "2023-05-17", "2023-05-18"
RUN = f"{FIRST} to {LAST}"
FIGURES = {figure.name: figure for figure in DAILY_FIGURES}
ARTIFACTS = {
    "summary": (
        "Succeeded",
        "8 windows",
        *(FIGURES[name].title.ru for name in ("unique_users", "success_rate")),
        CHECKS["no date in the future"].ru,
    ),
    "chart": ("Attempts, users and success rate",),
    "progress": ("100%",),
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Without these, the browser itself calls its maker."""


class Visit:
    """A browser's page, and what was seen on it."""

    def __init__(self, page: "Page", address: str, screenshots: Path) -> None:
        self.page, self.address, self._screenshots = page, address, screenshots
        self.called: set[str] = set()
        page.on("request", lambda request: self.called.add(request.url))

    def open(self, path: str) -> None:
        self.page.goto(f"{self.address}{path}")

    def see(self, *texts: str) -> None:
        """Waits until all of these are to be read."""
        from playwright.sync_api import expect

        for text in texts:
            expect(self.page.get_by_text(text).first).to_be_visible(timeout=30_000)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def keep(self, name: str) -> None:
        self.page.screenshot(path=self._screenshots / f"{name}.png", full_page=True)

    def log_in(self, password: str) -> None:
        self.page.get_by_placeholder("admin:pass").fill(password)
        self.press("Login")


@pytest.fixture(scope="module")
def visit(product: Product, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    from playwright.sync_api import sync_playwright

    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found, args=list(QUIET), chromium_sandbox=os.geteuid() != 0, timeout=60_000
        )
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(30_000)
        yield Visit(page, product.address, tmp_path_factory.mktemp("screenshots"))
        browser.close()


def test_it_asks_for_the_password(visit: Visit) -> None:
    visit.open("/")
    visit.see("Login")
    visit.keep("login")
    with visit.page.expect_response(lambda response: response.status == 401):
        visit.log_in("admin:a guess")
    visit.see("Login")

    visit.log_in(PASSWORD)

    visit.see("Flow Runs", "Active Work Pools", "Polled")
    visit.keep("dashboard")


def test_no_page_leads_to_the_newer_dashboard_which_calls_a_service_on_the_internet(visit: Visit) -> None:
    from playwright.sync_api import expect

    for path in ("/", "/v2/dashboard"):
        visit.open(path)
        visit.see("Deployments", "Settings")
        assert "/v2" not in visit.page.url
        # A banner on the first page and an entry of the menu, which are shown if both are served.
        expect(visit.page.get_by_text("V2 UI")).to_have_count(0)
    assert visit.page.request.get(f"{visit.address}/ui-settings").json()["available_uis"] == ["v1"]


def test_a_run_is_started_from_the_form(visit: Visit, product: Product) -> None:
    from playwright.sync_api import expect

    visit.open("/deployments")
    visit.see("codegrader-backfill", "codegrader-notify")
    visit.keep("deployments")
    visit.page.get_by_role("link", name="daily", exact=True).click()
    visit.see("nightly")
    visit.keep("deployment")
    visit.press("Run")
    visit.press("Custom run")
    visit.see("First day, such as 2023-04-01", "Last day, inclusive")
    empty_fields = visit.page.get_by_text("Select date", exact=True)
    for still_empty, day in ((1, FIRST), (0, LAST)):
        empty_fields.first.click()
        visit.page.locator("input[type=date]").fill(day)
        visit.press("Apply")
        # Otherwise the second day may go into the first field.
        expect(empty_fields).to_have_count(still_empty)
    visit.keep("form")

    visit.press("Submit")

    query = f"SELECT day::text FROM daily_metrics WHERE complete AND day BETWEEN '{FIRST}' AND '{LAST}' ORDER BY day"
    wait_until(lambda: product.rows(query) == [(FIRST,), (LAST,)], 90)
    state = f"SELECT state_type::text FROM flow_run WHERE name = '{RUN}'"
    wait_until(lambda: product.rows(state, "prefect") == [("COMPLETED",)], 30)


def test_its_page_shows_what_came_of_it(visit: Visit) -> None:
    visit.open("/runs")
    visit.page.get_by_role("link", name=RUN, exact=True).click()
    visit.see("Completed", "8/8: 2023-05-1")
    visit.keep("run")

    visit.page.get_by_text("Artifacts", exact=True).last.click()

    visit.see(*(f"codegrader-{artifact}" for artifact in ARTIFACTS))
    visit.keep("artifacts")


@pytest.mark.parametrize("artifact", ARTIFACTS)
def test_its_artifacts_can_be_read(visit: Visit, artifact: str) -> None:
    visit.open(f"/artifacts/key/codegrader-{artifact}")
    of_this_run = visit.page.get_by_role("listitem").filter(has_text=RUN)
    of_this_run.locator("a[href^='/artifacts/artifact/']").first.click()
    visit.see(RUN, *ARTIFACTS[artifact])
    visit.keep(f"artifact-{artifact}")


def test_the_browser_has_called_nobody_else(visit: Visit) -> None:
    others = {url for url in visit.called if not url.startswith((visit.address, "data:", "blob:"))}

    assert visit.called
    assert others == set()
