"""One file an analysis: it computes from the database and says what it found as sections and headlines."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from prefect import task
from prefect.cache_policies import NO_CACHE
from sqlalchemy.engine import Engine

from schemas.section import Findings
from schemas.summary import RunSummary
from tasks.errors import TransientError
from tasks.one_course import see_alone, tell_of_few
from tasks.retries import is_transient

Analysis = Callable[[Engine, RunSummary], Findings]
"""Says, in the language of the run's summary, what it found about the run's period."""
AT_ONCE: Final = 2
"""Analyses under way at once: the measure of a day with and without learning figures needs it."""


@task(
    task_run_name="analyses",
    description="Computes what readers are told, from the database.",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=2,
    retry_delay_seconds=5,
    retry_condition_fn=is_transient,
)
def analyse(analyses: Sequence[Analysis], engine: Engine, summary: RunSummary) -> list[Findings | Exception]:
    """What each analysis found, see `find`; all are run once more where the database was away for a moment."""
    return find(analyses, engine, summary)


def find(analyses: Sequence[Analysis], engine: Engine, summary: RunSummary) -> list[Findings | Exception]:
    """What each analysis found, or why it failed: what is wrong with one takes nothing from the others.

    Of a summary's course alone, if it has one, unless too few students are in it.

    Raises:
        TransientError, PermanentError: the database cannot be read.
    """
    if summary.course:
        engine = see_alone(engine, summary.course, summary.period)
        if few := tell_of_few(engine, summary):
            return [few]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(partial(_attempt, engine, summary), analyses))


def _attempt(engine: Engine, summary: RunSummary, analysis: Analysis) -> Findings | Exception:
    try:
        return analysis(engine, summary)
    except TransientError:
        raise
    except Exception as error:  # noqa: BLE001 (it is handed to the caller)
        return error
