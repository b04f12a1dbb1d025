"""A private certificate authority, so that the tests' servers speak TLS that clients can truly verify."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

THIS_MACHINE = ("localhost", "127.0.0.1")
HALF_A_DAY = timedelta(hours=12)


@dataclass(frozen=True)
class ServerCertificate:
    """A server's certificate, in PEM files.

    Attributes:
        certificate_file: the certificate.
        key_file: its private key, readable by its owner alone.
        ca_file: what a client has to trust to accept the certificate, as in `SSL_CERT_FILE`.
    """

    certificate_file: Path
    key_file: Path
    ca_file: Path


class PrivateAuthority:
    """A certificate authority that nobody trusts who does not have its file.

    Args:
        folder: where its files are written; made if it is missing. It has to be empty of an earlier authority's.

    Attributes:
        ca_file: the authority's own certificate, for clients.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.ca_file = folder / "ca.pem"
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _common_name("Sandbox authority")
        self._issued = 0
        own = _builder(self._name, self._name, self._key.public_key(), self._key.public_key(), datetime.now(UTC))
        own = own.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        own = own.add_extension(_key_usage(signs_certificates=True), critical=True)
        self._write(self.ca_file, own.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))

    def issue(self, hosts: Sequence[str] = THIS_MACHINE, *, expired: bool = False) -> ServerCertificate:
        """Issue a certificate for a server, valid for a day around now.

        Args:
            hosts: the names and IP addresses that it is for.
            expired: let its day be over since yesterday.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        middle = datetime.now(UTC) - (timedelta(days=2) if expired else timedelta())
        builder = _builder(_common_name(hosts[0]), self._name, key.public_key(), self._key.public_key(), middle)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_key_usage(signs_certificates=False), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        builder = builder.add_extension(x509.SubjectAlternativeName(map(_general_name, hosts)), critical=False)
        self._issued += 1
        certificate_file = self._folder / f"server-{self._issued}.pem"
        key_file = self._folder / f"server-{self._issued}.key"
        self._write(certificate_file, builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))
        self._write(key_file, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return ServerCertificate(certificate_file, key_file, self.ca_file)

    @staticmethod
    def _write(path: Path, content: bytes) -> None:
        path.touch(mode=0o600, exist_ok=False)
        path.write_bytes(content)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    issuer_key: ec.EllipticCurvePublicKey,
    middle: datetime,
) -> x509.CertificateBuilder:
    """Begin a certificate, with the key identifiers that Python 3.13 insists on."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(middle - HALF_A_DAY)
        .not_valid_after(middle + HALF_A_DAY)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
    )


def _common_name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
