"""A stand-in for the grader API: it answers over HTTP, as slowly and as badly as it is told to."""

from tests.sandbox.grader.faults import Fault
from tests.sandbox.grader.records import RecordList, RecordsFile, RecordSource
from tests.sandbox.grader.server import GraderSandbox
from tests.sandbox.grader.synthetic import SyntheticRecords
from tests.sandbox.grader.traffic import ServedRequest

__all__ = [
    "Fault",
    "GraderSandbox",
    "RecordList",
    "RecordSource",
    "RecordsFile",
    "ServedRequest",
    "SyntheticRecords",
]
