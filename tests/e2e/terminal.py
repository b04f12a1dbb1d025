"""A command in a real terminal: what it shows there, and Ctrl-C."""

import os
import pty
import re
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence

from tests.e2e.prefect_server import ROOT
from tests.fixtures.pipelines import Pipeline

CTRL_C = b"\x03"
_CONTROL_SEQUENCE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


def flow_in_terminal(pipeline: Pipeline, *arguments: str) -> "Terminal":
    """The flow as a user runs it from the command line."""
    return Terminal([sys.executable, "-m", "flows.etl", *arguments], os.environ | pipeline.variables())


class Terminal:
    """A command whose standard streams are a terminal, and which that terminal's Ctrl-C reaches."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._screen, inside = pty.openpty()
        self._shown = b""
        # The session's leader takes the terminal as its own by opening it; `python` then becomes the command.
        self.process = subprocess.Popen(
            ["setsid", "--ctty", "--wait", *command],
            cwd=ROOT,
            env={**environment, "TERM": "xterm", "COLUMNS": "100"},
            stdin=inside,
            stdout=inside,
            stderr=inside,
        )
        os.close(inside)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def press_ctrl_c(self) -> None:
        """As a person does: the terminal sends SIGINT to all processes in its foreground."""
        os.write(self._screen, CTRL_C)

    def type(self, line: str) -> None:
        """Types a line and presses Enter."""
        os.write(self._screen, f"{line}\n".encode())

    def wait(self, seconds: float) -> int:
        """Waits for the command's end; its exit code."""
        code = self.process.wait(seconds)
        self._reader.join()
        return code

    @property
    def has_cursor(self) -> bool:
        """Whether the cursor is shown, as it was before the command."""
        return self._shown.rfind(b"\x1b[?25h") >= self._shown.rfind(b"\x1b[?25l")

    def text(self) -> str:
        """All that it has shown, without colours and movements of the cursor."""
        return _CONTROL_SEQUENCE.sub("", self._shown.decode()).replace("\r", "\n")

    def _read(self) -> None:
        try:
            while piece := os.read(self._screen, 65_536):
                self._shown += piece
        except OSError:
            # Linux reports so that nobody has the terminal open any more.
            pass
        finally:
            os.close(self._screen)
