"""The words around the sections, in every language. What one analysis alone says stands with it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from schemas.language import Text
from schemas.summary import Stage

TITLE: Final = Text("CodeGrader: попытки студентов", "CodeGrader: student attempts")
SUBJECT_FAILED: Final = Text("CodeGrader: СБОЙ ({stages}), {period}", "CodeGrader: FAILED ({stages}), {period}")
STATUS_SUCCEEDED: Final = Text("Все этапы выполнены", "All steps done")
STATUS_FAILED: Final = Text("Выполнено не всё: есть сбои", "Not everything was done: something failed")
TO_DO: Final = Text("Что сделать", "What to do")
MISSING: Final = Text("Не вошло в показатели, начала окон по UTC", "Missing from the figures, starts of windows in UTC")
AND_MORE: Final = Text("и ещё {count}", "and {count} more")
SKIPPED: Final = Text("Пропущено, потому что не настроено: {stages}.", "Skipped, because it is not set up: {stages}.")
FETCHED: Final = Text("Получено записей", "Records fetched")
FATES: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "new": Text("новых", "new"),
        "changed": Text("изменённых", "changed"),
        "unchanged": Text("без изменений", "unchanged"),
        "rejected": Text("отклонено проверками", "rejected by the checks"),
        "duplicates": Text("точных повторов", "exact duplicates"),
    }
)
"""What became of the records fetched, by the names of `LoadCounts`."""
REPORT_PLACE: Final = Text("Отчёт: {path} на машине {machine}", "Report: {path} on {machine}")
MAIL_SENT: Final = Text(
    "Письмо «{subject}» отправлено, адресов: {readers}", "Mail “{subject}” sent, addresses: {readers}"
)
REPORT_LINK: Final = Text("Открыть отчёт", "Open the report")
MORE_LINK: Final = Text("подробнее", "more")
SHEET_LINK: Final = Text("Открыть таблицу", "Open the sheet")
RUN_LINK: Final = Text("Открыть запуск в Prefect", "Open the run in Prefect")
STARTED_AT: Final = Text(
    "Запуск начат {moment}, часовой пояс {time_zone}.", "Run started {moment}, time zone {time_zone}."
)
YES: Final = Text("да", "yes")
NO: Final = Text("нет", "no")
MADE_AT: Final = Text(
    "Составлено {moment} по тому, что загружено, часовой пояс {time_zone}.",
    "Made {moment} from what is loaded, time zone {time_zone}.",
)
DAY: Final = Text("Дата", "Date")
COURSE: Final = Text("Курс", "Course")
TASK: Final = Text("Задача", "Task")
ATTEMPTS_SPAN: Final = Text("Попытки с {first} по {last}.", "Attempts from {first} to {last}.")
FEW_WITHHELD: Final = Text(
    "{few}: студентов меньше, чем нужно, чтобы ни о ком не узнали; показатели таких строк скрыты, и те, по которым их "
    "можно вычислить.",
    "{few}: too few students to tell of them without telling of each; the figures of such rows are withheld, and those "
    "that would give them away.",
)
SMALL_COURSES: Final = Text(
    "Курсы, где за 28 дней активны меньше {fewest} студентов, не показаны.",
    "Courses with fewer than {fewest} students in 28 days are left out.",
)
TOTAL: Final = Text("Итого", "Total")
NO_FIGURES: Final = Text("Показателей за этот период нет.", "There are no figures for this period.")
SOME_ROWS: Final = Text(
    "Показано строк: {shown} из {rows}. Итог посчитан по всем.",
    "Rows shown: {shown} of {rows}. The total is that of all.",
)
CONTENTS: Final = Text("Содержание", "Contents")
TABLE: Final = Text("Таблица", "Table")
MEANINGS: Final = Text("Что значат столбцы", "What the columns mean")
USUAL: Final = Text("обычный диапазон", "usual range")
SEARCH: Final = Text("Поиск", "Search")
ALL: Final = Text("все", "all")
ROWS: Final = Text("Строк: {shown} из {rows}", "Rows: {shown} of {rows}")
CHART: Final = Text("Графики", "Charts")
CHART_ALT: Final = Text(
    "Графики по дням за {period}. Все значения есть в таблице.",
    "Charts by day for {period}. All values are in the table.",
)
INCOMPLETE_DAY: Final = Text("неполный день", "incomplete day")
NO_DATA: Final = Text("нет данных", "no data")

MENDED: Final = Text(
    "Исправлено: запуск «{run}» от {moment} завершился сбоем ({reason}); недостающее догружено",
    "Mended: the run “{run}” of {moment} failed ({reason}); what was missing has been loaded",
)
MENDED_SHORT: Final = Text("сбой устранён", "mended")

NOTICE_SUBJECT: Final = Text("CodeGrader: СБОЙ, запуск «{run}»", "CodeGrader: FAILED, run “{run}”")
NOTICE: Final = Text(
    "Запуск «{run}» завершился сбоем и не успел отчитаться сам.\n\nПричина: {reason}",
    "The run “{run}” failed before it could report by itself.\n\nReason: {reason}",
)
NOTICE_DIED: Final = Text(
    "Запуск «{run}» оборвался и не успел отчитаться сам.\n\nПричина: его процесс перестал подавать признаки жизни, и "
    "его worker тоже. Проверьте, что машина этого worker включена и что он на ней запущен.",
    "The run “{run}” died before it could report by itself.\n\nReason: its process stopped giving signs of life, and "
    "so did its worker. See that the worker's machine is up and that the worker runs there.",
)
NOTICE_LATE: Final = Text(
    "Запуск «{run}» больше суток не завершался успешно.\n\nПосмотрите командой codegrader status, что загружено, и "
    "проверьте, что worker запущен.",
    "No run of “{run}” has succeeded for more than a day.\n\nSee codegrader status for what is loaded, and that a "
    "worker runs.",
)
NOTICE_MISSING: Final = Text("Не вошло в показатели: {days}.", "Missing from the figures: {days}.")
NOTICE_COMPLETE: Final = Text(
    "Все дни загружены: в показателях ничего не пропущено.", "All days are loaded: nothing is missing from the figures."
)
NOTICE_UNKNOWN: Final = Text(
    "Какие дни не вошли в показатели, неизвестно: базу данных прочитать не удалось.",
    "Which days are missing from the figures is not known: the database could not be read.",
)
NOTICE_ADVICE: Final = Text(
    "Уже загруженные данные не пострадали. Устраните причину и запустите тот же период ещё раз: загрузится только то, "
    "чего не хватает. Пропущенные дни ежедневный запуск догружает сам.",
    "What was loaded before is unharmed. Fix the cause and run the same period again: only what is missing will be "
    "loaded. The next daily run loads the days that were missed.",
)
NOTICE_LINK: Final = Text("Страница запуска: {url}", "The run's page: {url}")
NOTICE_LOGS: Final = Text("Журнал: {folder} на машине запуска", "Log files: {folder} on the run's machine")

STAGES: Final[Mapping[Stage, Text]] = MappingProxyType(
    {
        "extract": Text("получение данных", "extract"),
        "load": Text("загрузка в базу", "load"),
        "checks": Text("проверка данных", "data checks"),
        "figures": Text("расчёт показателей", "figures"),
        "sheet": Text("таблица", "sheet"),
        "report": Text("отчёт", "report"),
        "mail": Text("письмо", "mail"),
    }
)
