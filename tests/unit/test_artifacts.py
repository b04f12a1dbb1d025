"""The run's page in Markdown: what came of it, then sections as tables; nothing from outside is more than text."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from flows.running.artifacts import MOST_ROWS, describe_run, escape
from schemas.language import Link, write_day
from schemas.section import Column, Findings, Headline, Row, Section
from schemas.summary import StageFailure
from tasks.mail import build_message
from tests.fixtures.summaries import make_summary

COLUMNS = (Column("task", "Task", "text"), Column("tried", "Tried", "count"))
DAYS = (Column("day", "Day", "day"), Column("tried", "Tried", "count"))


def page(section: Section) -> list[str]:
    summary = replace(make_summary(1), language="en", findings=(Findings((section,)),))
    return list(describe_run(summary, None, None, ()))


def test_a_red_run_says_in_the_readers_language_why_then_the_news_then_where_all_is() -> None:
    alarm = Headline("В задаче «a_b» отклонено всё", "alarm", url="https://lms.example/a")
    findings = Findings(headlines=(Headline("300 попыток"), alarm))
    failures = (
        StageFailure("load", "it refused", tuple(f"2023-04-01 {hour:02}:00" for hour in range(14))),
        StageFailure("sheet", "share it"),
    )
    url = "https://docs.google.com/spreadsheets/d/abc#gid=0"
    summary = make_summary(1, findings=(findings,), failures=failures, skipped=("mail",), sheet_url=url)
    summary = replace(summary, mended=Headline("Исправлено"))
    mail = build_message(summary, "a@uni.example", ["b@uni.example", "c@uni.example"], None, datetime.now(UTC))

    lines = describe_run(replace(summary, findings=(findings,)), b"a picture", Path("/home/a`b/r.html"), (mail,))

    told = [line.replace("\\", "").replace("\xa0", " ").partition(" на машине")[0] for line in lines if line]
    fates = "новых 11 000, изменённых 12, без изменений 1 300, отклонено проверками 7, точных повторов 26"
    missing = ", ".join(failures[0].missing[:12])
    assert told == [
        "# 2023-04-01",
        "**Выполнено не всё: есть сбои**",
        "- **загрузка в базу**: it refused",
        f"  - Не вошло в показатели, начала окон по UTC: {missing} и ещё 2",
        "- **таблица**: share it",
        "- **В задаче «a_b» отклонено всё [↗](https://lms.example/a)**",
        "- 300 попыток",
        f"- Получено записей: 12 345 ({fates})",
        f"- Открыть таблицу [↗]({url})",
        "- Отчёт: /home/a`b/r.html",
        "- Письмо «CodeGrader: СБОЙ (загрузка в базу, таблица), 2023-04-01» отправлено, адресов: 2",
        "- Пропущено, потому что не настроено: письмо.",
        "![Графики по дням за 2023-04-01. Все значения есть в таблице.](data:image/png;base64,YSBwaWN0dXJl)",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "<script>alert(1)</script>",
        "a|b &lt; [c](http://d) www.e.example",
        "# 1. - *x* `y` ~~z~~",
        "\u202eעברית 🎉",
    ],
)
def test_text_from_outside_stays_text(text: str) -> None:
    (paragraph,) = (each for each in MarkdownIt().parse(f"- {escape(text)}") if each.type == "inline")
    assert {each.type for each in paragraph.children or ()} <= {"text", "text_special"}
    assert "".join(each.content for each in paragraph.children or ()) == " ".join(text.splitlines())
    assert "www." not in escape(text)
    assert "://" not in escape(text)


def test_a_section_is_a_table_with_links_and_a_total() -> None:
    link = Link("a|b", "https://lms.example/courses/a|b(c)")
    lines = page(Section("tasks", "Tasks", COLUMNS, (Row((link, 1234)),), ("A note",), ("Total", 1234)))
    assert lines[-8:] == [
        "## Tasks",
        "",
        "| Task | Tried |",
        "| :-- | --: |",
        "| a\\|b [↗](https://lms.example/courses/a%7Cb%28c%29) | 1\\,234 |",
        "| Total | 1\\,234 |",
        "",
        "- A note",
    ]


def test_an_address_that_is_none_of_the_web_is_no_link() -> None:
    lines = page(Section("tasks", "Tasks", COLUMNS, (Row((Link("loops", "javascript:alert(1)"), 1)),)))
    assert "| loops | 1 |" in lines


def test_of_many_days_the_last_are_shown_and_of_many_tasks_the_first() -> None:
    days = [date(2023, 4, 1) + timedelta(days=number) for number in range(MOST_ROWS + 1)]
    lines = page(Section("days", "Days", DAYS, tuple(Row((day, 0)) for day in days)))
    assert f"| {escape(write_day(days[0], 'en'))} | 0 |" not in lines
    assert f"| {escape(write_day(days[-1], 'en'))} | 0 |" in lines
    tasks = tuple(Row((f"task{number}", 0)) for number in range(MOST_ROWS + 1))
    lines = page(Section("tasks", "Tasks", COLUMNS, tasks))
    assert "| task0 | 0 |" in lines
    assert f"| task{MOST_ROWS} | 0 |" not in lines
    assert f"- {escape(f'Rows shown: {MOST_ROWS} of {MOST_ROWS + 1}. The total is that of all.')}" in lines


def test_the_report_is_led_to_where_its_readers_find_it(tmp_path: Path) -> None:
    summary = make_summary(1, report_url="https://reports.example/2023-04-01.html")
    lines = list(describe_run(summary, None, tmp_path, ()))
    assert "- Открыть отчёт [↗](https://reports.example/2023-04-01.html)" in lines
    assert escape(str(tmp_path)) not in "".join(lines)


def test_a_list_of_students_and_what_would_have_to_be_drawn_are_not_shown() -> None:
    section = Section("student_list", "Students", COLUMNS, (Row(("ann", 1)),))
    assert any("ann" in line for line in page(section))
    for hidden in (replace(section, is_personal=True), replace(section, is_picture=True)):
        assert not any("ann" in line for line in page(hidden))
