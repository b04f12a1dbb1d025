"""Checks: which data checks the run's records failed."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sqlalchemy.engine import Engine

from schemas.language import Counted, Text, write_number
from schemas.section import Column, Findings, Headline, Row, Section
from schemas.summary import RunSummary, Severity

_TITLE: Final = Text("Проверка данных", "Data checks")
_CHECK: Final = Text("Проверка", "Check")
_SEVERITY: Final = Text("Уровень", "Severity")
_ROWS: Final = Text("Не прошло записей", "Records that failed")
_SAMPLE: Final = Text("Примеры", "Examples")
_SEVERITIES: Final[Mapping[Severity, Text]] = MappingProxyType(
    {"error": Text("ошибка", "error"), "warning": Text("предупреждение", "warning")}
)
_SEVERITIES_MEAN: Final = Text(
    "Ошибка: запись отклонена и в показатели не входит. Предупреждение: запись загружена и в показатели входит, точный "
    "повтор — один раз.",
    "Error: the record is rejected and counts in no figure. Warning: the record is loaded and counts, an exact "
    "duplicate once.",
)
_NOTHING: Final = Text(
    "Проверять было нечего: ни одно окно не загружено.", "There was nothing to check: no window was loaded."
)
_ALL_PASSED: Final = Text("Все проверки пройдены.", "All checks passed.")
_RECORDS: Final = Counted(("записи", "записей", "записей"), ("record", "records"))
_QUALITY: Final = Text(
    "Данные: проверки отклонили {rejected} из {records}, точных повторов {duplicates}",
    "Data: the checks rejected {rejected} of {records}, {duplicates} were exact duplicates",
)

CHECKS: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "shape": Text("набор столбцов", "columns as expected"),
        "duplicate rows": Text("точные повторы записей", "exact duplicates"),
        "few duplicates": Text("точных повторов не больше 1 %", "at most 1% exact duplicates"),
        "unique id": Text("уникальность id", "unique id"),
        "allowed attempt types": Text("допустимый тип попытки", "allowed attempt type"),
        "allowed verdicts": Text("допустимый вердикт", "allowed verdict"),
        "no date in the future": Text("нет дат в будущем", "no date in the future"),
        "user id present": Text("указан пользователь", "user id present"),
        "valid time": Text("корректное время", "valid time"),
        "inside the window": Text("время внутри окна загрузки", "inside the window"),
        "run without verdict": Text("запуск — без вердикта", "run without verdict"),
        "submit with verdict": Text("отправка — с вердиктом", "submit with verdict"),
        "LTI parameters parsed": Text("параметры LTI разобраны", "LTI parameters parsed"),
        "storable text": Text("текст без недопустимых символов", "storable text"),
        "times with a fraction": Text("время с долями секунды", "times with a fraction of a second"),
    }
)
"""What the checks of `schemas.checks` are called; one that is not here keeps its own name."""


def analyse_checks(engine: Engine, summary: RunSummary) -> Findings:  # noqa: ARG001 (the run itself made the checks)
    """A row for each check, with how many records failed it."""
    language, checks = summary.language, summary.checks
    notes = [_SEVERITIES_MEAN] if checks else [_NOTHING]
    if checks and not any(result.rows for result in checks):
        notes.insert(0, _ALL_PASSED)
    section = Section(
        "checks",
        _TITLE.to(language),
        (
            Column("check", _CHECK.to(language), "text"),
            Column("severity", _SEVERITY.to(language), "text"),
            Column("records", _ROWS.to(language), "count"),
            Column("sample", _SAMPLE.to(language), "text"),
        ),
        tuple(
            Row(
                (
                    CHECKS[result.check].to(language) if result.check in CHECKS else result.check,
                    _SEVERITIES[result.severity].to(language),
                    result.rows,
                    result.sample,
                ),
                result.severity if result.rows else "faint",
            )
            for result in checks
        ),
        tuple(note.to(language) for note in notes),
    )
    counts = {name: write_number(getattr(summary.counts, name), language) for name in ("rejected", "duplicates")}
    told = _QUALITY.to(language, records=_RECORDS.to(language, summary.counts.fetched), **counts)
    return Findings((section,), (Headline(told, "note"),) if checks else ())
