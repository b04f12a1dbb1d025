"""Records: what became of those that the run fetched."""

from typing import Final

from sqlalchemy.engine import Engine

from schemas.language import Text, write_number
from schemas.section import Column, Findings, Headline, Row, Section
from schemas.summary import RunSummary
from schemas.wording import FATES, FETCHED

_TITLE: Final = Text("Загрузка данных", "Data load")
_FATE: Final = Text("Что стало с записями", "What became of the records")
_RECORDS: Final = Text("Записей", "Records")
_WINDOWS: Final = Text(
    "Запрошено окон: {windows}. Ежедневный запуск загружает и дни до своего: поздние записи и пропуски.",
    "Windows asked for: {windows}. A daily run loads days before its own as well: late records and gaps.",
)
_NOTHING_CHANGED: Final = Text(
    "Новых данных нет: все полученные записи уже были в базе.",
    "Nothing new: every record fetched was in the database already.",
)


def analyse_records(engine: Engine, summary: RunSummary) -> Findings:  # noqa: ARG001 (the run itself counted them)
    """A row for each fate of a record; together they are all that was fetched."""
    language, counts = summary.language, summary.counts
    section = Section(
        "records",
        _TITLE.to(language),
        (Column("fate", _FATE.to(language), "text"), Column("records", _RECORDS.to(language), "count")),
        tuple(Row((fate.to(language), getattr(counts, name))) for name, fate in FATES.items()),
        (_WINDOWS.to(language, windows=write_number(summary.windows, language)),),
        (FETCHED.to(language), counts.fetched),
    )
    is_quiet = summary.succeeded and counts.fetched > 0 and counts.new == counts.changed == 0
    return Findings((section,), (Headline(_NOTHING_CHANGED.to(language)),) if is_quiet else ())
