"""A stand-in for Google Sheets: the API of version 4 and the token endpoint, over HTTP."""

from tests.sandbox.sheets.errors import SandboxBugError
from tests.sandbox.sheets.faults import ConnectionLost, QuotaUsedUp, SheetsFault
from tests.sandbox.sheets.server import SheetsSandbox

__all__ = ["ConnectionLost", "QuotaUsedUp", "SandboxBugError", "SheetsFault", "SheetsSandbox"]
