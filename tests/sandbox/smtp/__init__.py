"""A stand-in for a mail server: it keeps what it gets, and refuses what it is told to."""

from tests.sandbox.smtp.server import Moment, ReceivedMail, SmtpBehaviour, SmtpSandbox

__all__ = ["Moment", "ReceivedMail", "SmtpBehaviour", "SmtpSandbox"]
