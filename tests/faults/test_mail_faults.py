"""The mail: whatever the server does, no reader gets it twice, and one line says what became of it."""

import re
from typing import Any

import pytest

from tests.faults import fault
from tests.fixtures.pipelines import Pipelines
from tests.sandbox.grader import RecordList
from tests.sandbox.smtp import SmtpBehaviour
from tests.sandbox.world import SPREADSHEET_ID


def of_a_run(mark: pytest.MarkDecorator, what: str, *arguments: Any) -> Any:
    promise = "sheet and report are written; the run fails with one line; nobody gets a second mail about it"
    return pytest.param(*arguments, marks=[mark, fault("mail", f"a whole run{what}", promise)])


@pytest.mark.parametrize(
    ("behaviour", "told", "mails"),
    [
        of_a_run(
            pytest.mark.stress,
            " meets a mail server that refuses the login",
            SmtpBehaviour(refuse_login="535 5.7.8 No"),
            "SMTP_USERNAME and SMTP_PASSWORD",
            0,
        ),
        of_a_run(
            pytest.mark.slow,
            " loses the connection after DATA",
            SmtpBehaviour(drop_after_data=True),
            "may or may not have arrived",
            1,
        ),
        of_a_run(pytest.mark.stress, "'s mail is too large", SmtpBehaviour(max_message_bytes=2000), "552", 0),
    ],
)
def test_a_whole_run(pipelines: Pipelines, behaviour: SmtpBehaviour, told: str, mails: int) -> None:
    pipeline = pipelines.make(RecordList([]))
    # The size is announced when a client connects, so this one holds for whoever connects from now on.
    pipeline.world.smtp.behaviour = behaviour

    state = pipeline.run("2023-04-01", "2023-04-01")

    assert state.is_failed()
    assert re.search(f"mail failed: .*{told}", str(state.message))
    assert "\n" not in str(state.message)
    assert "Traceback" not in pipeline.log()
    # Not even the short one about failed runs.
    assert len(pipeline.world.smtp.messages) == mails
    assert len(pipeline.world.sheets.cells(SPREADSHEET_ID, "RawData")) == 2
    assert (pipeline.home / "reports" / "2023-04-01.html").exists()
