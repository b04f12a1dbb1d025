"""The mail about a run, as a mail program reads it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape
from typing import cast

import pytest

from schemas.language import Language
from schemas.summary import CheckResult, RunSummary, StageFailure
from schemas.wording import STATUS_FAILED, STATUS_SUCCEEDED
from tasks.analyses.checks import CHECKS
from tasks.errors import InvalidInputError
from tasks.mail import build_message
from tasks.rendering import write_row
from tests.fixtures.summaries import make_summary

SENT_AT = datetime(2023, 5, 1, 4, 0, tzinfo=UTC)
SENDER = "reports@university.example"
READERS = ("dean@university.example", "Анна Б. <anna@university.example>")
CHART = b"\x89PNG\r\n\x1a\n" * 100
NOT_SHARED = StageFailure("sheet", "not shared")
LANGUAGES: tuple[Language, ...] = ("ru", "en")


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
        ("ru", (), ("2023-04-01 – 2023-04-03", "12\xa0066 попыток", "37,5\xa0%")),
        ("en", (), ("2023-04-01 – 2023-04-03", "12,066 attempts", "37.5%")),
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


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_failed_run_is_never_announced_as_a_success(language: Language) -> None:
    message = mail(make_summary(failures=(NOT_SHARED,), missing=range(3), language=language))
    texts = [body(message, "plain"), body(message, "html")]
    assert not any(STATUS_SUCCEEDED.to(language) in text for text in (message["Subject"], *texts))
    assert all(STATUS_FAILED.to(language) in text and "not shared" in text for text in texts)


@pytest.mark.parametrize("language", LANGUAGES)
def test_text_and_html_show_every_value_of_every_section(language: Language) -> None:
    summary = make_summary(3, missing=(1,), language=language)
    message = mail(summary)
    lines = {tuple(line.split()) for line in body(message, "plain").splitlines()}
    html = unescape(body(message, "html"))
    for section in summary.sections:
        shown = [row.values for row in section.rows if row.tone != "faint"] + ([section.total] if section.total else [])
        for cells in (write_row(section.columns, row, language) for row in shown):
            assert tuple(" ".join(cells).split()) in lines
            assert all(f">{cell}</t" in html for cell in cells)
        assert all(text in html for text in (*section.notes, *(column.meaning for column in section.columns)))


def test_the_columns_of_the_plain_table_stand_under_each_other() -> None:
    plain = body(mail(make_summary(12, missing=(1,), language="en")), "plain").splitlines()
    start = next(place for place, line in enumerate(plain) if line.startswith("Date"))
    table = plain[start : start + 14]
    rates = {line.index(cell) + len(cell) for line in table for cell in ("40.0%", "37.5%", "Rate") if cell in line}
    assert len(rates) == 1
    assert max(map(len, table)) < 90


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
    summary = make_summary(
        failures=(StageFailure("sheet", evil, (evil,)),), checks=(CheckResult(evil, "error", 1, evil),)
    )
    message = mail(summary)
    plain, html = body(message, "plain"), body(message, "html")
    assert message["Bcc"] is None
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert not any(line.startswith(("Bcc", "Всё хорошо")) for line in plain.splitlines())
    assert "- таблица: <script>alert(1)</script> Bcc: spy@evil.example Всё хорошо" in plain


def test_links_are_given_in_both_forms() -> None:
    message = mail(make_summary(sheet_url="https://sheet.example/1", run_url="javascript:alert(1)", language="en"))
    assert "https://sheet.example/1" in body(message, "plain").splitlines()
    assert '<a class="link" href="https://sheet.example/1"' in body(message, "html")
    assert "javascript" not in body(message, "plain") + body(message, "html")


def test_checks_that_passed_are_left_to_the_report() -> None:
    html = body(mail(make_summary()), "html")
    assert CHECKS["submit with verdict"].ru in html
    assert CHECKS["run without verdict"].ru not in html


def test_of_a_long_period_the_last_days_are_listed_and_all_are_counted() -> None:
    summary = make_summary(400, language="en")
    message = mail(summary)
    for text in (body(message, "plain"), body(message, "html")):
        assert text.count("2024-0") >= 31
        assert "2023-04-02," not in text
        assert "31 of 400" in text
    assert summary.sections[0].total
    assert f"{summary.sections[0].total[1]:,}" in body(message, "plain")
    # What is longer than this Gmail cuts off.
    assert len(body(message, "html").encode()) < 90_000
