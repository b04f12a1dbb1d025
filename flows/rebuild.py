"""`codegrader rebuild`: computes all figures anew from the attempts that are loaded."""

import sys
from functools import partial
from time import perf_counter
from typing import Final

from flows.command_line import DONE, run_command


def run() -> int:
    """Computes the figures of every day anew, from the attempts that are loaded; nothing is fetched.

    It serves after an upgrade, or where somebody has changed attempts by hand. The figures stand as they were until it
    is done.
    """
    from flows.looking.prefect_api import reading_prefect
    from flows.running.configuration import load_configuration, open_database
    from tasks.database import migrate
    from tasks.days_off import find_days_off
    from tasks.figures import rebuild_figures

    started = perf_counter()
    with reading_prefect():
        configuration = load_configuration()
    with open_database(configuration, as_it_is=True) as engine:
        migrate(engine)
        settings = configuration.settings
        days = rebuild_figures(engine, settings.time_zone, find_days_off(settings.holidays))
    print(f"computed anew: {days:,} days, in {perf_counter() - started:.1f} s")
    return DONE


main: Final = partial(run_command, run, "rebuild")

if __name__ == "__main__":
    sys.exit(main())
