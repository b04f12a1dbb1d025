"""The next good run says what is mended, and only what it mends."""

from typing import Any
from uuid import uuid4

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.flow_engine import run_flow
from prefect.states import Completed, Crashed, Failed, Running

from flows.etl import codegrader_etl
from flows.running.mended import find_mended
from flows.running.stages import REFUSED
from schemas.section import Headline
from tests.fixtures.pipelines import Pipelines
from tests.fixtures.records import submit
from tests.fixtures.summaries import MOSCOW
from tests.sandbox.grader import Fault, RecordList
from tests.sandbox.grader.faults import Body

pytestmark = pytest.mark.slow

DAY = "2023-05-31"
FAILED: State[Any] = Failed(message="load failed: the API\nrefused")
IS_REFUSED: State[Any] = Failed(name=REFUSED)


class Deployment:
    """A deployment of its own for each test, whose runs end as they are told to, or run in this process."""

    def __init__(self) -> None:
        with get_client(sync_client=True) as client:
            self._id = client.create_deployment(client.create_flow(codegrader_etl), str(uuid4()))

    def pretend(self, state: State[Any], parameters: dict[str, Any]) -> None:
        with get_client(sync_client=True) as client:
            run = client.create_flow_run_from_deployment(self._id, parameters=parameters, name="the one before")
            for each in (Running(), state):
                client.set_flow_run_state(run.id, each, force=True)

    def run(self, of: Any, **parameters: Any) -> State[Any]:
        with get_client(sync_client=True) as client:
            run = client.create_flow_run_from_deployment(self._id, parameters=parameters, name="this one")
        state: State[Any] = run_flow(of, run, parameters, return_type="state")  # type: ignore[assignment]
        return state


@flow
def ask(start_date: str | None = None) -> Headline | None:
    return find_mended("ru", MOSCOW)


@pytest.mark.usefixtures("prefect_server")
@pytest.mark.parametrize(
    ("states", "parameters", "asked", "is_told"),
    [
        ([Crashed()], {"start_date": DAY}, {"start_date": DAY}, True),
        ([FAILED, IS_REFUSED], {}, {}, True),
        ([FAILED, Completed()], {}, {}, False),
        ([FAILED], {"start_date": DAY}, {}, False),
        ([FAILED], {"publish": False}, {}, False),
    ],
)
def test_a_failed_run_that_was_to_do_the_same_is_told_of_and_no_other(
    states: list[State[Any]], parameters: dict[str, Any], asked: dict[str, Any], is_told: bool
) -> None:
    deployment = Deployment()
    for state in states:
        deployment.pretend(state, parameters)

    headline = deployment.run(ask, **asked).result()

    assert (headline is not None) == is_told
    if is_told and states[0] is FAILED:
        assert headline.text.startswith("Исправлено: запуск «the one before» от 2")
        assert headline.text.endswith("завершился сбоем (load failed: the API refused); недостающее догружено")


def test_the_mail_of_the_next_good_run_says_that_it_is_mended(pipelines: Pipelines) -> None:
    pipeline, deployment = pipelines.make(RecordList([submit()])), Deployment()
    faults = pipeline.world.grader.faults
    with pipeline.environment({}):
        faults.append(Fault(Body(b'{"errors": "out of order"}'), times=None))
        assert deployment.run(codegrader_etl, start_date=DAY).is_failed()
        faults.clear()
        assert deployment.run(codegrader_etl, start_date=DAY).is_completed()

    _, mended = pipeline.world.smtp.messages
    assert mended["Subject"].endswith(" · сбой устранён")
    text = mended.get_body(("plain",))
    assert text is not None
    assert f"Исправлено: запуск «{DAY}» от " in text.get_content()
    assert "out of order" in text.get_content()
