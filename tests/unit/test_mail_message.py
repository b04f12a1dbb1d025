"""The mail about a run, as a mail program reads it."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape
from typing import cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.language import Language
from schemas.section import Findings, Headline
from schemas.summary import RunSummary, StageFailure
from schemas.wording import STATUS_FAILED, STATUS_SUCCEEDED
from tasks.errors import InvalidInputError
from tasks.mail import build_message, build_notice
from tasks.rendering import write_row
from tests.fixtures.summaries import make_summary

SENT_AT = datetime(2023, 5, 1, 4, 0, tzinfo=UTC)
SENDER = "reports@university.example"
READERS = ("dean@university.example", "Анна Б. <anna@university.example>")
CHART = b"\x89PNG\r\n\x1a\n" * 100
NOT_SHARED = StageFailure("sheet", "not shared")
LANGUAGES: tuple[Language, ...] = ("ru", "en")
WORDS = ("ещё", "«Вложенные", "циклы»", "·", "4", "172", "(+1", "%", "Python:", "a,", "решений", "—")


def mail(
    summary: RunSummary,
    sender: str = SENDER,
    readers: Sequence[str] = READERS,
    chart: bytes | None = CHART,
) -> EmailMessage:
    """The mail after a journey as bytes."""
    message = build_message(summary, sender, readers, chart, SENT_AT)
    return message_from_bytes(message.as_bytes(), policy=policy.default)


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


@pytest.mark.parametrize(
    ("language", "failures", "facts"),
    [
        ("ru", (), ("1 апр. – 3 апр.: 12 066 попыток, 38 % верно",)),
        ("en", (), ("Apr 1 – Apr 3: 12,066 attempts, 38% right",)),
        ("ru", (NOT_SHARED,), ("СБОЙ", "(таблица)", "2023-04-01 – 2023-04-03")),
        ("en", (NOT_SHARED,), ("FAILED", "(sheet)", "2023-04-01 – 2023-04-03")),
        ("ru", (StageFailure("extract", "a"), StageFailure("extract", "b"), NOT_SHARED), ("данных, таблица)",)),
    ],
)
def test_the_subject_tells_success_from_failure(
    language: Language, failures: tuple[StageFailure, ...], facts: Sequence[str]
) -> None:
    subject = mail(make_summary(failures=failures, language=language))["Subject"]
    assert [fact for fact in facts if fact not in subject] == []
    assert ("attempts" in subject or "попыток" in subject) == (not failures)


@given(st.lists(st.sampled_from(WORDS), min_size=1).map(" ".join))
@example("попытки ; задачи циклы» ещё задачи Python %")
def test_a_subject_arrives_as_it_was_written_in_lines_that_any_server_takes(title: str) -> None:
    written = build_notice(title, ["…"], SENDER, READERS, SENT_AT).as_bytes()
    assert message_from_bytes(written, policy=policy.default)["Subject"] == title
    assert max(map(len, written.splitlines())) <= 78


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_failed_run_is_never_announced_as_a_success(language: Language) -> None:
    message = mail(make_summary(failures=(NOT_SHARED,), missing=range(3), language=language))
    texts = [body(message, "plain"), body(message, "html")]
    assert not any(STATUS_SUCCEEDED.to(language) in text for text in (message["Subject"], *texts))
    assert all(STATUS_FAILED.to(language) in text and "not shared" in text for text in texts)


@pytest.mark.parametrize("language", LANGUAGES)
def test_text_and_html_say_what_is_new_and_show_every_value_of_the_brief_sections_alone(language: Language) -> None:
    summary = make_summary(3, missing=(1,), language=language)
    message = mail(summary)
    lines = {tuple(line.split()) for line in body(message, "plain").splitlines()}
    html = unescape(body(message, "html"))
    for headline in summary.headlines:
        assert headline.text in html
        assert any(" ".join(headline.text.split()) in " ".join(line) for line in lines)
    for section in summary.sections:
        for cells in (write_row(section.columns, row.values, language) for row in section.rows):
            assert (tuple(" ".join(cells).split()) in lines) == section.is_brief
            assert not section.is_brief or all(f">{cell}</t" in html for cell in cells)


def told(*headlines: Headline) -> RunSummary:
    summary = make_summary(1, language="en")
    return replace(summary, findings=(*summary.findings, Findings(headlines=headlines)))


def test_what_is_wrong_comes_first_then_the_news_then_at_most_three_things_to_do() -> None:
    todo = [Headline(f"Do {place}", "todo", "" if place else "4 tasks to look at") for place in range(4)]
    broken = Headline("“Loops” is broken", "alarm", "“Loops” takes no solution", "https://lms.example/loops")
    message = mail(told(*todo, broken))
    assert message["Subject"] == "Apr 1: “Loops” takes no solution · 4,011 attempts, 38% right · 4 tasks to look at"
    for text in (unescape(body(message, "html")), body(message, "plain")):
        places = [text.index(each) for each in ("“Loops” is broken", "4,011 attempts", "Do 0", "Do 1", "Do 2")]
        assert places == sorted(places)
        assert "Do 3" not in text
        assert "https://lms.example/loops" in text


def test_what_to_look_at_leads_into_the_report_where_that_can_be_found() -> None:
    broken = Headline("“Loops” is broken", "alarm", "", "https://lms.example/loops", "refusals")
    summary = told(broken, Headline("Rewrite “Lists”", "todo", section="tasks"))
    report = "https://storage.cloud.google.com/reports/2023-04-01.html"
    message = mail(replace(summary, report_url=report))
    plain, html = body(message, "plain").splitlines(), body(message, "html")
    for address in (report, f"{report}#refusals", f"{report}#tasks"):
        assert address in [line.strip() for line in plain]
        assert f'<a href="{address}"' in html
    for url in (None, "javascript:alert(1)"):
        message = mail(replace(summary, report_url=url))
        assert "#tasks" not in body(message, "plain") + body(message, "html")
        assert "javascript" not in body(message, "plain") + body(message, "html")


def test_a_mail_about_one_course_names_it_whatever_it_is_called() -> None:
    name = '"><script>=\u202eab \r\nBcc: x@y.example' + "🎉" * 300
    message = mail(make_summary(1, language="en", course=name))
    assert message["Subject"].startswith('"><script>= ab Bcc: x@y.example🎉')
    assert message["Subject"].endswith("…, Apr 1: 4,011 attempts, 38% right")
    assert message["Bcc"] is None
    # Between the quotes of an attribute the letters are text.
    assert "<script" not in re.sub(r'"[^"]*"', "", body(message, "html"))
    assert '· 2023-04-01 · "><script>= ab' in body(message, "plain")
    failed = mail(make_summary(1, failures=(NOT_SHARED,), language="en", course="course-v1:Uni+PY+2023"))
    assert failed["Subject"] == "CodeGrader: FAILED (sheet), 2023-04-01 · Uni+PY+2023"


def test_the_files_of_two_courses_never_share_a_folder_whatever_they_are_called() -> None:
    plain, odd = (
        "course-v1:Uni+PY-1.x+2023",
        ["..", ".", "a/b", "a_b", "a b", "é", "🎉" * 300, "🎉" * 299, "x" * 80, "x" * 99],
    )
    stems = [make_summary(1, course=name).file_stem for name in (plain, *odd)]
    assert stems[0] == "Uni+PY-1.x+2023/2023-04-01"
    assert len(set(stems)) == len(stems)
    assert all(re.fullmatch(r"[\w+-][\w+.-]{0,99}/2023-04-01", stem, re.ASCII) for stem in stems)
    assert make_summary(1).file_stem == "2023-04-01"


def test_the_report_is_attached_if_that_is_asked_for() -> None:
    page = "<!DOCTYPE html><p>Отчёт".encode()
    sent = build_message(make_summary(), SENDER, READERS, CHART, SENT_AT, page)
    message = message_from_bytes(sent.as_bytes(), policy=policy.default)
    (attached,) = message.iter_attachments()
    assert (attached.get_content_type(), attached.get_filename()) == ("text/html", "2023-04-01_2023-04-03.html")
    assert attached.get_content() == page.decode()
    assert sent.as_bytes().isascii()
    assert 'src="cid:' in body(message, "html")
    assert [*mail(make_summary()).iter_attachments()] == []


def test_the_columns_of_the_plain_table_stand_under_each_other() -> None:
    plain = body(mail(make_summary(12, language="en")), "plain").splitlines()
    start = next(place for place, line in enumerate(plain) if line.startswith("Figure"))
    assert len({len(line) for line in plain[start + 1 : start + 4]}) == 1
    assert max(map(len, plain[start : start + 4])) < 90


def test_without_style_sheets_it_looks_the_same_and_it_is_dark_where_its_reader_is() -> None:
    html = body(mail(make_summary()), "html")
    sheet = html[html.index("<style>") : html.index("</style>")]
    assert "@media (prefers-color-scheme: dark)" in sheet
    assert sheet.count("h1 {") == 0
    assert re.search(r"<h1 style=\"[^\"]*font-size: 22px", html)


def test_the_chart_is_shown_inside_the_mail() -> None:
    message = mail(make_summary())
    assert message.get_content_type() == "multipart/alternative"
    plain, related = message.iter_parts()
    assert (plain.get_content_type(), related.get_content_type()) == ("text/plain", "multipart/related")
    html, chart = cast("EmailMessage", related).iter_parts()
    assert (chart.get_content_type(), chart.get_content_disposition()) == ("image/png", "inline")
    assert chart.get_content() == CHART
    assert f'src="cid:{chart["Content-ID"].strip("<>")}"' in html.get_content()
    without = mail(make_summary(), chart=None)
    assert [part.get_content_type() for part in without.iter_parts()] == ["text/plain", "text/html"]
    assert "<img" not in body(without, "html")


def test_the_headers_are_those_of_an_automatic_mail() -> None:
    message = mail(make_summary(), sender="Аналитика <reports@university.example>")
    assert message["Date"].datetime == SENT_AT
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["From"] == "Аналитика <reports@university.example>"
    readers = [address.addr_spec for address in message["To"].addresses]
    assert readers == ["dean@university.example", "anna@university.example"]


def test_every_server_on_the_way_can_carry_it_and_none_learns_of_this_machine() -> None:
    first, second = (build_message(make_summary(40), SENDER, READERS, CHART, SENT_AT) for _ in range(2))
    assert first.as_bytes().isascii()
    assert max(map(len, first.as_bytes().split(b"\r\n"))) <= 998
    assert first["Message-ID"] != second["Message-ID"]
    assert str(first["Message-ID"]).endswith("@university.example>")


@pytest.mark.parametrize(
    ("sender", "readers", "named"),
    [
        ("reports", READERS, "'reports' .*EMAIL_FROM"),
        ("a@b\r\nBcc: spy@evil.example", READERS, "EMAIL_FROM"),
        (SENDER, ("x@y\nBcc: spy@evil.example",), "EMAIL_TO"),
        (SENDER, ("anna@university.example, boris@university.example",), "EMAIL_TO"),
        (SENDER, ("a b@university.example",), "EMAIL_TO"),
        (SENDER, ("",), "EMAIL_TO"),
        (SENDER, (), "EMAIL_TO"),
    ],
)
def test_an_address_that_is_none_is_refused(sender: str, readers: Sequence[str], named: str) -> None:
    with pytest.raises(InvalidInputError, match=named):
        mail(make_summary(), sender=sender, readers=readers)


def test_no_text_from_outside_becomes_markup_or_a_line_of_its_own() -> None:
    evil = "<script>alert(1)</script>\r\nBcc: spy@evil.example\n\nВсё хорошо"
    summary = make_summary(failures=(StageFailure("sheet", evil, (evil,)),))
    message = mail(replace(summary, findings=(Findings(headlines=(Headline(evil, "alarm", evil, evil),)),)))
    plain, html = body(message, "plain"), body(message, "html")
    assert message["Bcc"] is None
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert not any(line.startswith(("Bcc", "Всё хорошо")) for line in plain.splitlines())
    assert "- таблица: <script>alert(1)</script> Bcc: spy@evil.example Всё хорошо" in plain


def test_links_are_given_in_both_forms() -> None:
    message = mail(make_summary(sheet_url="https://sheet.example/1", run_url="javascript:alert(1)", language="en"))
    assert "https://sheet.example/1" in body(message, "plain").splitlines()
    assert '<a href="https://sheet.example/1"' in body(message, "html")
    assert "javascript" not in body(message, "plain") + body(message, "html")


def test_it_stays_small_however_long_the_period() -> None:
    # What is longer than this Gmail cuts off.
    assert len(body(mail(make_summary(400)), "html").encode()) < 90_000
