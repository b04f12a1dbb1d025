"""A private certificate authority, so that the tests' servers speak TLS that clients can truly verify."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from trustme import CA, LeafCert


class PrivateAuthority:
    """A certificate authority that nobody trusts who does not have its file.

    Args:
        folder: where that file is written; made if it is missing.

    Attributes:
        ca_file: the authority's own certificate: what a client has to trust, as in `SSL_CERT_FILE`.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.ca_file = folder / "ca.pem"
        self._authority = CA()
        self._authority.cert_pem.write_to_path(self.ca_file)

    def issue(self, *hosts: str, expired: bool = False) -> LeafCert:
        """Issue a server's certificate, for this machine by default, valid for years or until yesterday."""
        end = datetime.now(UTC) - timedelta(days=1) if expired else None
        return self._authority.issue_cert(*(hosts or ("localhost", "127.0.0.1")), not_after=end)
