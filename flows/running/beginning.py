"""What every run does first: it says who it is, finds its configuration, opens its log, and looks at its parameters."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from prefect.runtime import flow_run

from flows.running.arguments import check_limits
from flows.running.configuration import Configuration, load_configuration
from flows.running.home import home_folder
from flows.running.logs import start_logging
from flows.running.stopping import note_run


def begin_run(flow: Callable[..., Any]) -> Configuration:
    """Begins the current run.

    Args:
        flow: the flow's function, whose parameters declare their limits.

    Raises:
        ArgumentError: a parameter lies beyond its limits.
        InvalidInputError: nothing is set up, or the log folder cannot be written to.
    """
    note_run()
    configuration = load_configuration()
    log_dir = configuration.settings.log_dir
    start_logging(Path(log_dir) if log_dir else home_folder("logs"), configuration.secrets())
    check_limits(flow, flow_run.parameters)
    return configuration
