"""What the tests of the faults share."""

from tests.faults.canaries import canaries
from tests.faults.database_servers import own_server
from tests.faults.days import one_day, one_day_of_all_tests

__all__ = ["canaries", "one_day", "one_day_of_all_tests", "own_server"]
