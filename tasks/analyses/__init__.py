"""One file an analysis: it computes from the database and says what it found as sections and headlines."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from prefect import task
from prefect.cache_policies import NO_CACHE

from schemas.section import Findings
from schemas.summary import RunSummary
from tasks.retries import is_transient

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

Analysis = Callable[["Engine", RunSummary], Findings]
"""Says, in the language of the run's summary, what it found about the run's period."""


@task(
    task_run_name="{analysis.__name__}",
    description="Computes what readers are told, from the database.",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=2,
    retry_delay_seconds=5,
    retry_condition_fn=is_transient,
)
def analyse(analysis: Analysis, engine: "Engine", summary: RunSummary) -> Findings:
    """Runs one analysis, and once more where the database was away for a moment."""
    return analysis(engine, summary)
