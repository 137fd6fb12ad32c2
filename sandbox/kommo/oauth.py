"""Kommo's OAuth 2.0: https://developers.kommo.com/docs/oauth-20."""

from __future__ import annotations

import base64
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from sandbox.core.faults import Faults
from sandbox.core.wire import Reply, json_reply
from sandbox.kommo.leads import ACCOUNT_ID, USERS
from sandbox.kommo.problems import PROBLEM

if TYPE_CHECKING:
    from sandbox.core.clock import Clock
    from sandbox.kommo.options import KommoOptions

_CODE_LIFETIME = 20 * 60
_FAR = 2_051_222_400
"""2035: when the account's initial long-lived token expires."""
_TEXTS = {
    False: ("Bad request", "Parameters are missing or invalid"),
    True: ("Некорректный запрос", "В запросе отсутствует ряд параметров или параметры невалидны"),  # noqa: RUF001 - Russian on purpose
}


@dataclass
class Grant:
    """An authorization code or a refresh token: valid once, until it expires."""

    expires: float
    used: bool = False


@dataclass(frozen=True)
class Pair:
    """The tokens that the token endpoint returns."""

    access_token: str
    refresh_token: str


@dataclass
class OAuth:
    """The integration's credentials, and every token that was issued.

    Args:
        seed: The same seed generates the same secrets.
        clock: The account's clock.
        options: Set the lifetime and rotation of tokens.
        tokens: The tokens that the API accepts. Long-lived tokens are added to it.
    """

    seed: int
    clock: Clock
    options: KommoOptions
    tokens: set[str]
    client_id: str = "6f1d3c2e-0000-4000-8000-000000000000"
    redirect_uri: str = "https://example.com/oauth/callback"
    client_secret: str = ""
    faults: Faults = field(default_factory=Faults)
    """The faults of the token endpoint: each one makes a single token request fail."""
    expiries: dict[str, float] = field(default_factory=dict)
    """When each access token from the token endpoint expires."""
    codes: dict[str, Grant] = field(default_factory=dict)
    refreshes: dict[str, Grant] = field(default_factory=dict)
    """All refresh tokens, including used and expired ones."""
    _parents: dict[str, str] = field(default_factory=dict)
    """The refresh token that each token was issued for."""
    _long_lived: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._rng = random.Random(f"{self.seed} oauth")
        self.client_secret = self.client_secret or self._opaque(32)

    # -- for tests ---------------------------------------------------------------------------

    def consent(self) -> str:
        """Return an authorization code, as if a user had allowed the integration."""
        code = self._opaque(64)
        self.codes[code] = Grant(self.clock.now() + _CODE_LIFETIME)
        return code

    def issue(self) -> Pair:
        """Return a pair of tokens, as for an authorization code."""
        return self._pair(None)

    def long_lived(self, exp: float = _FAR) -> str:
        """Return a long-lived token that expires at that time."""
        token = self._jwt(exp, self._opaque(40))
        self.tokens.add(token)
        self._long_lived[token] = exp
        return token

    def expire(self) -> None:
        """Expire every access token. Refresh tokens stay valid."""
        now = self.clock.now()
        self.expiries |= {token: min(at, now) for token, at in self.expiries.items()}

    def revoke(self) -> None:
        """Revoke all tokens and codes, as an administrator can."""
        self.tokens.clear()
        self.expiries.clear()
        for grant in (*self.refreshes.values(), *self.codes.values()):
            grant.used = True

    # -- for the API -------------------------------------------------------------------------

    def accepts(self, token: str) -> bool:
        """Return True for a valid access token; its first use revokes the last refresh token."""
        lasts = self._long_lived.get(token, _FAR) if token in self.tokens else None
        if (lasts or self.expiries.get(token, 0)) <= self.clock.now():
            return False
        self._first_use(token)
        return True

    def answer(self, body: bytes) -> Reply:  # noqa: PLR0911 - one return per rejection
        """Answer a request to the token endpoint."""
        try:
            asked = msgspec.json.decode(body, type=dict[str, Any])
        except msgspec.DecodeError:
            return self._refusal(400, "The body is not a JSON object")
        names = ("client_id", "client_secret", "grant_type", "redirect_uri")
        missing = [name for name in names if not isinstance(asked.get(name), str)]
        if missing:
            return self._refusal(400, f"Check the `{missing[0]}` parameter")
        if (asked["client_id"], asked["client_secret"]) != (self.client_id, self.client_secret):
            return self._refusal(401, "Client authentication failed")
        if asked["redirect_uri"] != self.redirect_uri:
            return self._refusal(400, "Check the `redirect_uri` parameter")
        match asked["grant_type"]:
            case "authorization_code":
                return self._by_code(str(asked.get("code")))
            case "refresh_token":
                return self._by_refresh(str(asked.get("refresh_token")))
            case _:
                return self._refusal(400, "Check the `grant_type` parameter")

    def _by_code(self, code: str) -> Reply:
        grant = self.codes.get(code)
        if grant is None:
            return self._refusal(400, "Cannot decrypt the authorization code")
        if grant.used:
            return self._refusal(400, "Authorization code has been revoked")
        if grant.expires <= self.clock.now():
            return self._refusal(400, "Authorization code has expired")
        grant.used = True
        return self._given(self._pair(None))

    def _by_refresh(self, token: str) -> Reply:
        grant = self.refreshes.get(token)
        if grant is None:
            return self._refusal(401, "Cannot decrypt the refresh token")
        if grant.used:
            return self._refusal(401, "Token has been revoked")
        if grant.expires <= self.clock.now():
            return self._refusal(401, "Token has expired")
        self._first_use(token)
        grant.used = self.options.rotation == "strict"
        return self._given(self._pair(token))

    def _given(self, pair: Pair) -> Reply:
        content = {
            "token_type": "Bearer",
            "expires_in": self.options.token_lifetime,
            "server_time": int(self.clock.now()),
            "access_token": pair.access_token,
            "refresh_token": pair.refresh_token,
        }
        return json_reply(200, content)

    def _pair(self, parent: str | None) -> Pair:
        expires = self.clock.now() + self.options.token_lifetime
        pair = Pair(self._jwt(expires, self._opaque(40)), f"def50200{self._opaque(120)}")
        self.expiries[pair.access_token] = expires
        lasts = self.clock.now() + self.options.refresh_lifetime
        self.refreshes[pair.refresh_token] = Grant(lasts)
        if parent is not None:
            self._parents |= dict.fromkeys((pair.access_token, pair.refresh_token), parent)
        return pair

    def _first_use(self, token: str) -> None:
        parent = self._parents.pop(token, None)
        if parent is not None:
            self.refreshes[parent].used = True

    def _refusal(self, status: int, hint: str) -> Reply:
        title, detail = _TEXTS[self.options.localised]
        content = {
            "hint": hint,
            "title": title,
            "type": "https://developers.amocrm.ru/v3/errors/OAuthProblemJson",
            "status": status,
            "detail": detail,
        }
        return json_reply(status, content, PROBLEM)

    def _opaque(self, digits: int) -> str:
        return f"{self._rng.getrandbits(digits * 4):0{digits}x}"

    def _jwt(self, expires: float, jti: str) -> str:
        return jwt(jti, int(self.clock.now()), int(expires))


def jwt(jti: str, issued: int, expires: int) -> str:
    """Return a JWT with the claims of Kommo's, without a valid signature."""
    claims = {
        "aud": "6f1d3c2e-0000-4000-8000-000000000000",
        "jti": jti,
        "iat": issued,
        "nbf": issued,
        "exp": expires,
        "sub": str(USERS[0]),
        "grant_type": "",
        "account_id": ACCOUNT_ID,
        "base_domain": "kommo.com",
        "version": 2,
        "scopes": ["crm", "files", "notifications"],
    }
    parts = [msgspec.json.encode(part) for part in ({"typ": "JWT", "alg": "RS256"}, claims)]
    encoded = [base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, "c2FuZGJveC1zaWduYXR1cmU"])


def first_token(seed: int) -> str:
    """Return the account's initial long-lived token, which expires in 2035."""
    return jwt(f"{seed:080x}", 1_735_689_600, _FAR)
