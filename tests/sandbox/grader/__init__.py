"""A stand-in for the grader API: it answers over HTTP, as slowly and as badly as it is told to."""

from tests.sandbox.grader.faults import Fault
from tests.sandbox.grader.records import RecordList, RecordSource, SyntheticRecords
from tests.sandbox.grader.server import GraderSandbox

__all__ = ["Fault", "GraderSandbox", "RecordList", "RecordSource", "SyntheticRecords"]
