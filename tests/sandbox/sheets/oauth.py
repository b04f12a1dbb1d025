"""The token endpoint: a service account's signed assertion becomes a token for an hour."""

import json
import secrets
import time
from base64 import urlsafe_b64decode
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from tests.sandbox.sheets.protocol.discovery import all_scopes
from tests.sandbox.sheets.protocol.errors import GoogleError, error_info, unauthenticated
from tests.sandbox.sheets.protocol.json_types import JsonObject

# Google's clients name this audience, whatever address they send their assertion to.
GOOGLE_AUDIENCE = "https://oauth2.googleapis.com/token"
GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFETIME_SECONDS = 3600
# A clock may be wrong by this many seconds.
CLOCK_SKEW_SECONDS = 300
UNREASONABLE_TIME = (
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
    "Check your iat and exp values in the JWT claim."
)
NO_CREDENTIAL = "Expected OAuth 2 access token, login cookie or other valid authentication credential. "
SIGN_IN = "See https://developers.google.com/identity/sign-in/web/devconsole-project."


class GrantError(Exception):
    """An assertion that gets no token.

    Attributes:
        error: OAuth's word for it, such as `invalid_grant`.
        description: what is wrong, in Google's words.
    """

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description


class ServiceAccount:
    """The account that calls the API, with a key of its own.

    Attributes:
        email: its address, with which spreadsheets are shared.
    """

    def __init__(self, project: str = "codegrader-sandbox", name: str = "reporter") -> None:
        self.email = f"{name}@{project}.iam.gserviceaccount.com"
        self._project = project
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._key_id = secrets.token_hex(20)

    def info(self, token_uri: str) -> dict[str, str]:
        """Give the content of the JSON file that Google hands out with a key.

        Args:
            token_uri: the address of the token endpoint.
        """
        encoding = serialization.Encoding.PEM
        form, encryption = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        account = self.email.replace("@", "%40")
        return {
            "type": "service_account",
            "project_id": self._project,
            "private_key_id": self._key_id,
            "private_key": self._key.private_bytes(encoding, form, encryption).decode(),
            "client_email": self.email,
            "client_id": "105104103102101100999",
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": token_uri,
            "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
            "client_x509_cert_url": f"https://www.googleapis.com/robot/v1/metadata/x509/{account}",
            "universe_domain": "googleapis.com",
        }

    def signed(self, content: bytes, signature: bytes) -> bool:
        """Tell whether a signature was made with the account's key, in the way that is called RS256.

        Args:
            content: what was signed.
            signature: the signature.
        """
        try:
            self._key.public_key().verify(signature, content, padding.PKCS1v15(), SHA256())
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class Caller:
    """Whoever a token was given to.

    Attributes:
        email: the account's address.
        scopes: what the token may be used for.
        expires: when it ends, in seconds since 1970.
    """

    email: str
    scopes: frozenset[str]
    expires: float


class TokenOffice:
    """Gives tokens to one service account and knows them again."""

    def __init__(self, account: ServiceAccount, token_url: str) -> None:
        self._account = account
        self._token_url = token_url
        self._callers: dict[str, Caller] = {}

    def grant(self, form: bytes) -> JsonObject:
        """Give a token for an assertion.

        Args:
            form: the body of the request, a form with `grant_type` and `assertion`.

        Raises:
            GrantError: there is no token for it.
        """
        fields = {name: values[0] for name, values in parse_qs(form.decode()).items()}
        if fields.get("grant_type") != GRANT_TYPE:
            raise GrantError("unsupported_grant_type", f"Invalid grant_type: {fields.get('grant_type', '')}")
        claims = self._claims(fields.get("assertion", ""))
        scopes = frozenset(str(claims.get("scope", "")).split())
        if not scopes & all_scopes():
            raise GrantError("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
        return {"access_token": self.issue(scopes), "expires_in": LIFETIME_SECONDS - 1, "token_type": "Bearer"}

    def issue(self, scopes: Collection[str]) -> str:
        """Give the account a token.

        Args:
            scopes: what it may be used for.
        """
        token = f"ya29.c.{secrets.token_urlsafe(48)}"
        self._callers[token] = Caller(self._account.email, frozenset(scopes), time.time() + LIFETIME_SECONDS)
        return token

    def caller(self, headers: Mapping[str, str]) -> Caller:
        """Tell who sends a request.

        Args:
            headers: the request's headers.

        Raises:
            GoogleError: there is no token, or it is not one of ours, or it has ended.
        """
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not token:
            message = f"Request is missing required authentication credential. {NO_CREDENTIAL}{SIGN_IN}"
            raise unauthenticated(message, "CREDENTIALS_MISSING")
        caller = self._callers.get(token)
        if caller is None or caller.expires < time.time():
            message = f"Request had invalid authentication credentials. {NO_CREDENTIAL}{SIGN_IN}"
            raise unauthenticated(message, "ACCESS_TOKEN_EXPIRED" if caller else "ACCESS_TOKEN_TYPE_UNSUPPORTED")
        return caller

    def revoke_all(self) -> None:
        """Forget every token, as happens when their hour is over."""
        self._callers.clear()

    def _claims(self, assertion: str) -> JsonObject:
        content, _, signature = assertion.rpartition(".")
        try:
            header, claims = (dict(json.loads(_decoded(part))) for part in content.split("."))
            signed = self._account.signed(content.encode(), _decoded(signature))
        except (TypeError, ValueError):
            raise GrantError("invalid_grant", "Bad Request") from None
        if claims.get("iss") != self._account.email:
            raise GrantError("invalid_grant", "Invalid grant: account not found")
        if header.get("alg") != "RS256" or not signed:
            raise GrantError("invalid_grant", "Invalid JWT Signature.")
        if claims.get("aud") not in {self._token_url, GOOGLE_AUDIENCE}:
            right = f"The right audience is {GOOGLE_AUDIENCE}"
            raise GrantError("invalid_grant", f"Invalid JWT: Failed audience check. {right}")
        _check_times(claims)
        return claims


def insufficient_scopes(method: str) -> GoogleError:
    """Give the refusal of a token that may not be used for a method.

    Args:
        method: the method's name.
    """
    message = "Request had insufficient authentication scopes."
    return GoogleError(403, message, details=[error_info("ACCESS_TOKEN_SCOPE_INSUFFICIENT", method=method)])


def _check_times(claims: JsonObject) -> None:
    issued, expires = claims.get("iat"), claims.get("exp")
    now = time.time()
    if not isinstance(issued, int | float) or not isinstance(expires, int | float):
        raise GrantError("invalid_grant", UNREASONABLE_TIME)
    early, late = issued > now + CLOCK_SKEW_SECONDS, expires < now - CLOCK_SKEW_SECONDS
    if early or late or expires - issued > LIFETIME_SECONDS:
        raise GrantError("invalid_grant", UNREASONABLE_TIME)


def _decoded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))
