"""The token endpoint: a service account's signed assertion becomes a token for an hour."""

import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import jwt

from tests.sandbox.sheets.discovery import document
from tests.sandbox.sheets.errors import GoogleError
from tests.sandbox.sheets.json_types import JsonObject

# Google's clients name this audience, whatever address they send their assertion to.
GOOGLE_AUDIENCE = "https://oauth2.googleapis.com/token"
GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFETIME_SECONDS = 3600
# A clock may be wrong by this many seconds.
CLOCK_SKEW_SECONDS = 300
PEM = serialization.Encoding.PEM


class ServiceAccount:
    """The account that calls the API, with a key of its own, and the tokens that it got at this endpoint.

    Attributes:
        email: its address, with which spreadsheets are shared.
    """

    email = "reporter@codegrader-sandbox.iam.gserviceaccount.com"

    def __init__(self, token_url: str) -> None:
        self._token_url = token_url
        # Half as long as Google's: it is made in a tenth of the time, and read in a quarter of it.
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
        self._scopes: dict[str, set[str]] = {}

    def info(self) -> dict[str, str]:
        """The content of the JSON file that Google hands out with a key."""
        private = self._key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return {
            "type": "service_account",
            "project_id": "codegrader-sandbox",
            "private_key_id": secrets.token_hex(20),
            "private_key": private.decode(),
            "client_email": self.email,
            "client_id": "105104103102101100999",
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": self._token_url,
            "universe_domain": "googleapis.com",
        }

    def grant(self, form: bytes) -> JsonObject:
        """Gives a token for the assertion in a form."""
        fields = {name: values[0] for name, values in parse_qs(form.decode()).items()}
        if fields.get("grant_type") != GRANT_TYPE:
            raise _refusal(f"Invalid grant_type: {fields.get('grant_type', '')}", "unsupported_grant_type")
        scopes = set(str(self._claims(fields.get("assertion", "")).get("scope", "")).split())
        if not scopes & document()["auth"]["oauth2"]["scopes"].keys():
            raise _refusal("Invalid OAuth scope or ID token audience provided.", "invalid_scope")
        token = f"ya29.c.{secrets.token_urlsafe(48)}"
        self._scopes[token] = scopes
        return {"access_token": token, "expires_in": LIFETIME_SECONDS - 1, "token_type": "Bearer"}

    def scopes(self, authorization: str) -> set[str]:
        """Tells what the token in a request's header `Authorization` may be used for."""
        scheme, _, token = authorization.partition(" ")
        if scheme != "Bearer" or token not in self._scopes:
            raise GoogleError(401, "Request had invalid authentication credentials. Expected OAuth 2 access token.")
        return self._scopes[token]

    def revoke_tokens(self) -> None:
        """Forgets every token, as happens when their hour is over."""
        self._scopes.clear()

    def _claims(self, assertion: str) -> Mapping[str, Any]:
        decode: Any = jwt.decode  # without types
        public = self._key.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        audiences = [GOOGLE_AUDIENCE, self._token_url]
        try:
            claims: Mapping[str, Any] = decode(assertion, public, True, audiences, CLOCK_SKEW_SECONDS)
        except ValueError as error:
            raise _refusal(f"Invalid JWT: {error}") from None
        if claims.get("iss") != self.email or claims["exp"] - claims["iat"] > LIFETIME_SECONDS:
            raise _refusal("Invalid grant: account not found, or a token for longer than 60 minutes")
        return claims


def _refusal(description: str, word: str = "invalid_grant") -> GoogleError:
    return GoogleError(400, description, word=word)
