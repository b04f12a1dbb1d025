"""The report: what its page, its table and its files hold."""

import csv
import io
import re
import stat
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from schemas.labels import LABELS, Language
from schemas.summary import CheckResult, LoadCounts, RunSummary, StageFailure
from tasks.errors import PermanentError
from tasks.rendering import figure_cells, one_line, web_address
from tasks.report import render_csv, render_html, write_files, write_report
from tests.summaries import make_summary

LANGUAGES: tuple[Language, ...] = ("ru", "en")
SCRIPT = "<script>alert('1')</script>"


class Page(HTMLParser):
    """The texts of a page's table cells, row by row, its tags, its links and all its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self.classes: set[str] = set()
        self.text = ""
        self._in_cell = False
        self.feed(html)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        given = dict(attrs)
        self.classes |= set((given.get("class") or "").split())
        if tag == "a":
            self.links.append(given["href"] or "")
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
        if self.get_starttag_text() != "<style>":
            self.text += data
        if self._in_cell:
            self.rows[-1][-1] += data


def page(summary: RunSummary, language: Language = "ru") -> Page:
    return Page(render_html(summary, LABELS[language], None))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_table_shows_the_figures_of_every_day(language: Language) -> None:
    summary, labels = make_summary(3), LABELS[language]
    rows = page(summary, language).rows
    start = rows.index(list(labels.figure_columns))
    days = [[labels.day(day.day), *figure_cells(day, labels)] for day in summary.figures]
    assert rows[start + 1 : start + 4] == days


def test_figures_are_written_for_a_reader() -> None:
    rows = page(make_summary(1)).rows
    assert [
        "2023-04-01, сб",
        "4\u202f011",
        "404",
        "301",
        "3\u202f000",
        "1\u202f010",
        "40,0\u202f%",
    ] in rows


def test_totals_are_given_where_they_mean_something() -> None:
    summary = make_summary(2)
    first, second = summary.figures
    figures = (replace(first, submits=100, success_rate=0.9), replace(second, submits=900, success_rate=0.1))
    rows = page(replace(summary, figures=figures), "en").rows
    # 90 + 90 of 1,000 submits, not the mean of 90 % and 10 %; students of two days cannot be added up.
    assert ["Total", "8,033", "812", "—", "6,000", "1,000", "18.0%"] in rows


def test_missing_and_incomplete_days_are_marked_as_such() -> None:
    rows = page(make_summary(3, missing=(1,), incomplete=(2,))).rows
    assert ["2023-04-02, вс", "нет данных"] in rows
    assert any(row[0] == "2023-04-03, пн\xa0*" for row in rows if row)


def test_counts_of_the_load_are_told() -> None:
    text = page(make_summary(3), "en").text
    for phrase in (
        "Records fetched 12,345",
        "Loaded into the database 12,312 (new 11,000, changed 12, unchanged 1,300)",
        "Rejected by the checks 7",
        "Exact duplicates 26",
        "Warnings 1,234",
        "Windows 12",
        "Span loaded 2023-04-01 00:00 – 2023-04-04 00:00",
        "Run started 2023-05-01 06:00, time zone Europe/Moscow.",
    ):
        assert phrase in text


@pytest.mark.parametrize(("new", "told"), [(0, True), (1, False)])
def test_a_run_that_changed_nothing_says_so(new: int, told: bool) -> None:
    counts = LoadCounts(fetched=10, new=new, unchanged=10 - new)
    assert (LABELS["ru"].nothing_changed in page(make_summary(counts=counts)).text) == told


def test_every_check_is_listed_with_its_rows() -> None:
    rows = page(make_summary()).rows
    assert ["нет дат в будущем", "ошибка", "7", "35…6a 2024-01-01"] in rows
    assert ["запуск — без вердикта", "предупреждение", "0", ""] in rows
    assert LABELS["ru"].no_checks in page(make_summary(checks=())).text


def test_each_figure_says_what_it_counts_and_whose_midnight_it_is() -> None:
    text = page(make_summary()).text
    for definition in LABELS["ru"].definitions:
        assert definition.format(time_zone="Europe/Moscow") in text


def test_success_and_failure_cannot_be_mistaken_for_each_other() -> None:
    failures = (
        StageFailure("extract", "the grader API answers 503", ("2023-04-01 06:00",)),
        StageFailure("sheet", "not shared"),
    )
    good, bad = page(make_summary()), page(make_summary(failures=failures))
    assert "succeeded" in good.classes
    assert not {"failed", "failures"} & good.classes
    assert {"failed", "failures"} <= bad.classes
    assert "succeeded" not in bad.classes
    assert LABELS["ru"].status_succeeded not in bad.text
    told = "получение данных: the grader API answers 503 Не вошло в показатели, начала окон по UTC: 2023-04-01 06:00"
    assert told in bad.text
    assert "таблица: not shared" in bad.text
    assert bad.text.index(told) < bad.text.index(LABELS["ru"].total_success_rate)


def test_of_many_missing_windows_some_are_named_and_the_rest_counted() -> None:
    missing = tuple(f"2023-04-01 {hour:02}:00" for hour in range(20))
    text = page(make_summary(failures=(StageFailure("load", "x", missing),)), "en").text
    assert "2023-04-01 11:00 and 8 more" in text
    assert "2023-04-01 12:00" not in text


def test_skipped_steps_and_a_run_without_figures_are_told() -> None:
    nothing = page(make_summary(missing=range(3), skipped=("sheet", "mail")))
    assert "Пропущено, потому что не настроено: таблица, письмо." in nothing.text
    assert LABELS["ru"].no_data in nothing.text
    assert LABELS["ru"].figures not in nothing.text


def test_no_text_from_outside_becomes_markup() -> None:
    summary = make_summary(
        failures=(StageFailure("extract", SCRIPT, (SCRIPT,)),),
        checks=(CheckResult(SCRIPT, "warning", 1, SCRIPT),),
        sheet_url=f"https://sheet.example/{SCRIPT}",
    )
    shown = page(summary)
    assert "script" not in shown.tags
    assert shown.text.count(SCRIPT) == 4


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://docs.google.com/spreadsheets/d/1/edit#gid=0", True),
        ("http://127.0.0.1:4200/runs/flow-run/1", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("ftp://host/file", False),
        ("https://user:secret@host/", False),
        ("https:///path", False),
        ("https://[host/", False),
        ("https://host/a b", False),
        ("java\nscript:alert(1)", False),
        (None, False),
    ],
)
def test_only_web_addresses_become_links(url: str | None, shown: bool) -> None:
    assert web_address(url) == (url if shown else None)
    links = page(make_summary(sheet_url=url, run_url=url)).links
    assert links == ([url, url] if shown else [])


def test_a_text_from_outside_is_one_line() -> None:
    assert one_line(" a\r\nb\u2028c\x00d\ud800e\u202ef ") == "a b c d e f"
    assert one_line("abcdef", 4) == "abc…"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_csv_holds_the_figures_exactly(language: Language) -> None:
    summary, labels = make_summary(3, incomplete=(2,)), LABELS[language]
    header, *rows = csv.reader(io.StringIO(render_csv(summary, labels)))
    assert header == [*labels.figure_columns, labels.complete]
    assert [(row[0], *map(int, row[1:6]), float(row[6]), row[7]) for row in rows] == [
        (
            str(day.day),
            day.attempts,
            day.successful_attempts,
            day.unique_users,
            day.runs,
            day.submits,
            day.success_rate,
            labels.yes if day.complete else labels.no,
        )
        for day in summary.figures
    ]


def test_a_text_in_the_csv_is_never_a_formula() -> None:
    labels = replace(LABELS["en"], yes="=1+1", complete="@SUM(A1)")
    header, row, *_ = csv.reader(io.StringIO(render_csv(make_summary(), labels)))
    assert (header[-1], row[-1]) == ("'@SUM(A1)", "'=1+1")


def test_the_files_are_named_after_the_period_and_private(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "reports"
    files = write_files(make_summary(3), "ru", folder)
    assert [path.name for path in (files.html, files.csv, files.chart)] == [
        f"2023-04-01_2023-04-03.{suffix}" for suffix in ("html", "csv", "png")
    ]
    assert write_files(make_summary(1), "ru", folder).html.name == "2023-04-01.html"
    assert len(list(folder.iterdir())) == 6
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert files.csv.read_bytes().startswith("\ufeffДата,Всего попыток".encode())


def test_the_page_stands_alone(tmp_path: Path) -> None:
    html = write_files(make_summary(), "ru", tmp_path).html.read_text("utf-8")
    assert re.findall(r'src="([^,"]*)', html) == ["data:image/png;base64"]
    assert 'alt="Графики по дням за 2023-04-01 — 2023-04-03' in html
    assert not re.search(r"<link|<script|@import|url\(", html)


def test_a_later_report_replaces_an_earlier_one(tmp_path: Path) -> None:
    write_files(make_summary(failures=(StageFailure("sheet", "x"),)), "ru", tmp_path)
    files = write_files(make_summary(), "en", tmp_path)
    assert LABELS["en"].status_succeeded in files.html.read_text("utf-8")
    assert len(list(tmp_path.iterdir())) == 3


def test_a_failed_write_leaves_the_earlier_report_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = write_files(make_summary(), "ru", tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full_disk(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(PermanentError, match=r"cannot be written to .* \(No space left on device\)"):
        write_files(make_summary(2, failures=(StageFailure("sheet", "x"),)), "en", files.html.parent)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PermanentError, match=f"the report cannot be written to {tmp_path}/file/reports"):
        write_files(make_summary(), "ru", tmp_path / "file" / "reports")


def test_a_year_fits_on_one_page() -> None:
    rows = page(make_summary(400)).rows
    assert sum(row[0].startswith("202") for row in rows if row) == 400


def test_the_task_is_named_after_the_period() -> None:
    assert isinstance(write_report.task_run_name, str)
    assert write_report.task_run_name.format(summary=make_summary(30)) == "report 2023-04-01 to 2023-04-30"
