"""The report: what its page, its table and its files hold."""

import base64
import csv
import hashlib
import io
import re
import stat
from collections import Counter
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from schemas.language import Language
from schemas.section import Column, Findings, Headline, Row, Section
from schemas.summary import CheckResult, LoadCounts, StageFailure
from schemas.wording import NO_FIGURES, STAGES, STATUS_SUCCEEDED
from tasks.errors import PermanentError
from tasks.rendering import one_line, write_row
from tasks.report import render_csv, render_html, write_files
from tests.fixtures.summaries import add_courses, make_summary

LANGUAGES: tuple[Language, ...] = ("ru", "en")
SCRIPT = "<script>alert('1')</script>"
PNG = b"\x89PNG"


class Page(HTMLParser):
    """The texts of a page's table cells, row by row, its tags, classes and links, and all its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: Counter[str] = Counter()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.classes: set[str] = set()
        self.handlers = False
        self.text = ""
        self._in_cell = False
        self.feed(html)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.handlers = self.handlers or any(name.startswith("on") for name, _ in attrs)
        given = dict(attrs)
        self.classes |= set((given.get("class") or "").split())
        self.ids += [given["id"] or ""] if "id" in given else []
        if tag == "a":
            self.links += [url for url in [given["href"] or ""] if not url.startswith("#")]
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._in_cell = False
            self.text += " "

    def handle_data(self, data: str) -> None:
        if self.get_starttag_text() not in ("<style>", "<script>"):
            self.text += data
        if self._in_cell:
            self.rows[-1][-1] += data


def page(**parts: Any) -> Page:
    return Page(render_html(make_summary(**parts)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_row_of_every_section_is_shown(language: Language) -> None:
    summary = make_summary(days=3, missing=(1,), incomplete=(2,), language=language)
    shown = Page(render_html(summary))
    names = ["days", "brief", "comparison", "records", "checks"]
    assert [section.name for section in summary.sections] == names
    assert shown.ids == names  # so that a mail can lead to one of them
    for section in summary.sections:
        assert [column.title for column in section.columns] in shown.rows
        for row in [row.values for row in section.rows] + ([section.total] if section.total else []):
            assert write_row(section.columns, row, language) in shown.rows
        for text in (section.title, *section.notes, *(column.meaning for column in section.columns)):
            assert text in shown.text


def test_figures_are_written_for_a_reader_and_days_without_them_are_marked() -> None:
    shown = page(days=3, missing=(1,), incomplete=(2,))
    first, second, third = (row for row in shown.rows if row and row[0].startswith("2023-04-0"))
    assert first == ["2023-04-01, сб", "4\xa0011", "404", "301", "3\xa0000", "1\xa0010", "40,0\xa0%", "да"]
    assert second == ["2023-04-02, вс", *["—"] * 6, "нет данных"]
    assert (third[0], third[-1]) == ("2023-04-03, пн", "нет")
    assert "warning" in shown.classes
    # A total only where it means something: students and the success rate are those of the whole period.
    assert ["Total", "8,033", "812", "444", "6,000", "2,030", "37.5%", ""] in page(days=2, language="en").rows
    # A year fits on one page.
    assert sum(row[0].startswith("202") for row in page(days=400).rows if row) == 400


def test_what_became_of_the_records_adds_up() -> None:
    shown = page(days=3, language="en")
    counts = [int(row[1].replace(",", "")) for row in shown.rows if len(row) == 2 and row[1][0].isdigit()]
    assert counts == [11_000, 12, 1_300, 7, 26, 12_345]
    assert sum(counts[:-1]) == counts[-1]
    for fact in ("Windows asked for: 12", "2023-05-01 06:00", "Europe/Moscow"):
        assert fact in shown.text


def test_that_nothing_changed_at_all_is_told() -> None:
    told = [len(make_summary(counts=LoadCounts(fetched=10, new=new, unchanged=10 - new)).headlines) for new in (0, 1)]
    assert told == [3, 2]


def test_success_and_failure_cannot_be_mistaken_for_each_other() -> None:
    failures = (
        StageFailure("extract", "the grader API answers 503", ("2023-04-01 06:00",)),
        StageFailure("sheet", "not shared"),
    )
    good, bad = page(), page(failures=failures)
    assert {"status", "alarm"} & good.classes == {"status"}
    assert {"status", "alarm"} & bad.classes == {"alarm"}
    assert STATUS_SUCCEEDED.ru not in bad.text
    for fact in (STAGES["extract"].ru, "the grader API answers 503", "2023-04-01 06:00", STAGES["sheet"].ru):
        assert bad.text.index(fact) < bad.text.index("Показатели по дням")


def test_of_many_missing_windows_some_are_named_and_the_rest_counted() -> None:
    missing = tuple(f"2023-04-01 {hour:02}:00" for hour in range(20))
    text = page(failures=(StageFailure("load", "x", missing),), language="en").text
    assert "2023-04-01 11:00 and 8 more" in text
    assert "2023-04-01 12:00" not in text


def test_skipped_steps_and_a_run_without_figures_are_told() -> None:
    nothing = page(missing=range(3), skipped=("sheet", "mail"))
    assert f"{STAGES['sheet'].ru}, {STAGES['mail'].ru}" in nothing.text
    assert NO_FIGURES.ru in nothing.text
    assert [section.name for section in make_summary(missing=range(3)).sections] == ["records", "checks"]


def test_no_text_from_outside_becomes_markup_or_a_second_line() -> None:
    shown = page(
        failures=(StageFailure("extract", SCRIPT, (SCRIPT,)),),
        checks=(CheckResult(SCRIPT, "warning", 1, SCRIPT),),
        sheet_url=f"https://sheet.example/{SCRIPT}",
    )
    assert (shown.tags["script"], shown.handlers) == (1, False)  # ours
    assert shown.text.count(SCRIPT) == 4
    assert one_line(" a\r\nb\u2028c\x00d\ud800e\u202ef ") == "a b c d e f"
    assert one_line("abcdef", 4) == "abc…"


def test_a_headline_leads_to_its_section_in_the_same_page() -> None:
    told = Findings(headlines=(Headline("A task", "todo", url="https://lms.example/", section="tasks"),))
    summary = make_summary(report_url="https://reports.example/1.html")
    html = render_html(replace(summary, findings=(*summary.findings, told)))
    assert "#tasks" in re.findall('href="([^"]*)"', html)
    assert Page(html).links == ["https://lms.example/"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_script_runs_but_the_one_whose_sum_the_page_names(language: Language) -> None:
    html = render_html(make_summary(language=language))
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', html)
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    rules = dict(rule.split(" ", 1) for rule in unescape(policy).split("; "))
    assert rules.pop("style-src") == "'unsafe-inline'"
    assert rules == {
        "default-src": "'none'",
        "script-src": f"'sha256-{digest}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert script.count("\n") < 150


def test_every_chart_says_the_values_of_each_day_and_has_its_table() -> None:
    html = render_html(make_summary(days=3, missing=(1,), incomplete=(2,), language="en"))
    first, second, third = re.findall(r"<title>(2023[^<]*)</title>", html)
    shown = "Attempts 4,011; Successful attempts 404; Unique users 301; Success rate of submits 40.0%"
    assert first == f"2023-04-01, Sat: {shown}"
    assert second == "2023-04-02, Sun: no data"
    assert third.startswith("2023-04-03, Mon: Attempts 4,033;")
    assert third.endswith("; incomplete day")
    chart, table = html.index('<figure class="chart">'), html.index("<details><summary>Table</summary>")
    assert html.index('id="days"') < chart < table < html.index('id="brief"')


def test_the_report_of_a_year_of_five_courses_is_small_enough_to_be_sent() -> None:
    assert len(render_html(add_courses(make_summary(days=365))).encode()) < 1_500_000


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://docs.google.com/spreadsheets/d/1/edit#gid=0", True),
        ("http://127.0.0.1:4200/runs/flow-run/1", True),
        *(
            (url, False)
            for url in (
                *("javascript:alert(1)", "data:text/html,x", "ftp://host/file", "https://user:secret@host/", None),
                *("https:///path", "https://[host/", "https://host/a b", "java\nscript:alert(1)"),
            )
        ),
    ],
)
def test_only_web_addresses_become_links(url: str | None, shown: bool) -> None:
    assert page(sheet_url=url, run_url=url).links == ([url, url] if shown else [])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_csv_holds_the_figures_exactly(language: Language) -> None:
    section = make_summary(3, missing=(1,), incomplete=(2,), language=language).sections[0]
    header, *rows = csv.reader(io.StringIO(render_csv(section)))
    assert header == [column.title for column in section.columns]
    assert rows == [["" if value is None else str(value) for value in row.values] for row in section.rows]
    assert [row[0] for row in rows] == ["2023-04-01", "2023-04-02", "2023-04-03"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_text_in_the_csv_is_never_a_formula(start: str) -> None:
    section = Section("x", "X", (Column("x", f"{start}A1", "text"),), (Row((f"{start}1+1",)), Row((-1,))))
    cells = [cell for (cell,) in csv.reader(io.StringIO(render_csv(section), newline=""))]
    assert cells == [f"'{start}A1", f"'{start}1+1", "-1"]


def test_the_files_are_named_after_the_period_private_and_whole(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "reports"
    written = write_files(make_summary(3), PNG, folder)
    assert {path.name for path in folder.iterdir()} == {
        f"2023-04-01_2023-04-03.{suffix}" for suffix in ("html", "csv", "png")
    }
    assert (folder / "2023-04-01_2023-04-03.png").read_bytes() == PNG
    assert (folder / "2023-04-01_2023-04-03.csv").read_bytes().startswith("\ufeffДата,Всего попыток".encode())
    # The page needs nothing else to be shown.
    html = written.read_text("utf-8")
    assert not re.search(r"\bsrc=|<link|<img|@import|url\(", html)

    assert write_files(make_summary(1), PNG, folder).name == "2023-04-01.html"
    # A later report takes the place of the earlier one.
    write_files(make_summary(3, language="en"), PNG, folder)
    assert STATUS_SUCCEEDED.en in written.read_text("utf-8")
    assert len(list(folder.iterdir())) == 6
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_what_everybody_may_read_lists_nobody() -> None:
    students = Section(
        "student_list", "Who", (Column("student", "Student", "text"),), (Row(("ann",)),), is_personal=True
    )
    summary = make_summary()
    summary = replace(summary, findings=(*summary.findings, Findings((students,))))
    assert "ann" in [cell for row in Page(render_html(summary)).rows for cell in row]
    assert summary.public.sections == summary.sections[:-1]


def test_a_failed_write_names_the_folder_and_leaves_the_earlier_report_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PermanentError, match=f"{tmp_path}/file/reports"):
        write_files(make_summary(), PNG, tmp_path / "file" / "reports")

    folder = tmp_path / "reports"
    write_files(make_summary(), PNG, folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full_disk(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(PermanentError, match=f"{folder} .*No space left on device"):
        write_files(make_summary(language="en"), PNG, folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
