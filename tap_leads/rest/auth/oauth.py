"""OAuth 2.0 with refresh tokens that rotate: each is valid until what it was exchanged for is used.

https://datatracker.ietf.org/doc/html/rfc6749#section-6
"""

from __future__ import annotations

import threading
from concurrent.futures import Future, wait
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

import msgspec

from tap_leads.errors import Code
from tap_leads.rest.auth.token import bearer
from tap_leads.rest.auth.token_store import Token, Tokens, digest
from tap_leads.rest.auth.trial import TokenTrial
from tap_leads.rest.clock import SystemClock
from tap_leads.rest.errors import CredentialError, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_leads.rest.auth.token import TokenEndpoint
    from tap_leads.rest.auth.token_store import TokenStore
    from tap_leads.rest.clock import Clock
    from tap_leads.rest.http import Response

T = TypeVar("T")

# The settings that a consent can be in, each with its grant type. A refresh token is also what
# later renewals are made with.
_GRANT_TYPES = {"code": "authorization_code", "refresh_token": "refresh_token"}
_CLIENT_SETTINGS = ("client_id", "client_secret", "redirect_uri")
# Exchanged tokens that are remembered: one a day, for longer than a refresh token is valid.
_SPENT = 200
_DAY = 86_400
_UNEXPLAINED = (
    "it is invalid or already used, access was revoked, or a response with new tokens was lost"
)


class _Grant(msgspec.Struct):
    """The response of a token endpoint, as far as it is used."""

    access_token: Token
    refresh_token: Token
    expires_in: float = _DAY


class _RefusedError(Exception):
    """The token endpoint does not accept a code or a refresh token; the message says why."""


class OAuth:
    """An account's pair of tokens, renewed when the access token expires or is rejected.

    Args:
        setting: The setting that `settings` come from, for messages, such as "kommo.oauth".
        settings: `client_id`, `client_secret`, `redirect_uri`, and `code` or `refresh_token`.
        url: The token endpoint.
        store: Where the tokens are kept.
        refusals: Lowercase words that a refused request's body may contain, and what each means.
            The first match is reported; the body itself may repeat a secret and never is.
        clock: The machine's clock.
    """

    def __init__(  # noqa: PLR0913  # `token_auth` passes every part by name
        self,
        setting: str,
        settings: Mapping[str, str],
        *,
        url: str,
        store: TokenStore,
        refusals: Mapping[str, str],
        clock: Clock | None = None,
    ) -> None:
        self._setting = setting
        self._client = {name: settings[name] for name in _CLIENT_SETTINGS}
        self._consent = next(
            ((name, settings[name]) for name in _GRANT_TYPES if name in settings), None
        )
        self._url = url
        self._store = store
        self._refusals = refusals
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._tokens: Tokens | None = None
        self._has_begun = False
        self._trial = TokenTrial()
        self._failure: str | None = None

    @property
    def is_on_trial(self) -> bool:
        """True while it is unknown if the API accepts the token that it issued last."""
        return bool(self._trial.token)

    def headers(self, endpoint: TokenEndpoint) -> dict[str, str]:
        """Return the header that carries the access token, renewed if it has expired."""
        # Read once: other threads may replace the tokens at any time.
        tokens = self._tokens
        if tokens is None or tokens.is_due(self._clock.time()):
            tokens = self._settle(endpoint, "")
        self._trial.begin(tokens.access_token)
        return bearer(tokens.access_token)

    def renew_if_rejected(
        self, response: Response, sent: Mapping[str, str], endpoint: TokenEndpoint
    ) -> bool:
        """Renew the token if the one in `sent` was rejected; return True if there is another."""
        token = _token_in(sent)
        self._trial.end(token, accepted=response.ok)
        if response.status != HTTPStatus.UNAUTHORIZED:
            return False
        self._settle(endpoint, token)
        return True

    def record_no_answer(self, sent: Mapping[str, str]) -> None:
        """Record that the request with the headers `sent` failed, or was not sent after all."""
        self._trial.end(_token_in(sent), accepted=False)

    def _settle(self, endpoint: TokenEndpoint, rejected: str) -> Tokens:
        """Return tokens other than the rejected one, obtained in one thread for all."""
        with self._lock:
            if self._failure is not None:
                raise CredentialError(self._failure)
            tokens = self._tokens
            if tokens and not self._is_unusable(tokens, rejected):
                return tokens
            try:
                return self._settle_alone(endpoint, rejected)
            except CredentialError as error:
                self._failure = str(error)
                raise

    def _is_unusable(self, tokens: Tokens, rejected: str) -> bool:
        return tokens.access_token == rejected or tokens.is_due(self._clock.time())

    def _settle_alone(self, endpoint: TokenEndpoint, rejected: str) -> Tokens:
        with self._store.locked():
            # What was deleted during the run is written again.
            tokens = self._store.load() or self._tokens
            if tokens is None or not self._has_begun:
                tokens = self._first_tokens(endpoint, tokens)
                self._has_begun = True
            if tokens.access_token == rejected and self._trial.count_rejection(rejected):
                raise CredentialError(
                    "the API rejected the token that it just issued (HTTP 401)",
                    f"Check `{self._setting}.client_id`, and that the integration belongs to this "
                    "account",
                    code=Code.NEW_TOKEN_REJECTED,
                )
            # Another program may have renewed them in the meantime.
            if self._is_unusable(tokens, rejected):
                tokens = self._renew(endpoint, tokens)
            self._tokens = tokens
            return tokens

    def _first_tokens(self, endpoint: TokenEndpoint, tokens: Tokens | None) -> Tokens:
        """Return the tokens that are kept, unless the settings hold a new consent."""
        if self._consent is None:
            if tokens is None:
                raise CredentialError(
                    f"there are no tokens in {self._store.place}; authorize the integration, and "
                    f"set `{self._setting}.code` to its authorization code",
                    code=Code.NO_TOKENS,
                )
            return tokens
        name, value = self._consent
        if tokens and (value == tokens.refresh_token or digest(value) in tokens.spent):
            return tokens
        try:
            return self._exchange(endpoint, name, value, tokens)
        except _RefusedError as error:
            if tokens is None:
                raise CredentialError(
                    f"the API rejected `{self._setting}.{name}` {error}; {self._advice}",
                    code=Code.CODE_REJECTED,
                ) from None
            endpoint.warn(
                f"the API rejected `{self._setting}.{name}` {error}; continuing with the tokens in "
                f"{self._store.place}; remove the setting, or set it to a new value",
                Code.CODE_REJECTED,
            )
            return tokens

    def _renew(self, endpoint: TokenEndpoint, tokens: Tokens) -> Tokens:
        try:
            return self._exchange(endpoint, "refresh_token", tokens.refresh_token, tokens)
        except _RefusedError as error:
            raise CredentialError(
                f"the API rejected the refresh token in {self._store.place} {error}; "
                f"{self._advice}",
                code=Code.REFRESH_TOKEN_REJECTED,
            ) from None

    @property
    def _advice(self) -> str:
        return f"authorize the integration again, and set `{self._setting}.code` to the new code"

    def _exchange(
        self, endpoint: TokenEndpoint, name: str, value: str, old: Tokens | None
    ) -> Tokens:
        """Exchange a code or a refresh token; the new pair is saved before it is used."""
        content = {**self._client, "grant_type": _GRANT_TYPES[name], name: value}

        def obtain() -> Tokens:
            obtained_at = self._clock.time()
            grant = self._grant_of(endpoint.post(self._url, content))
            tokens = Tokens(
                access_token=grant.access_token,
                refresh_token=grant.refresh_token,
                obtained_at=obtained_at,
                expires_at=obtained_at + (grant.expires_in if grant.expires_in > 0 else _DAY),
                spent=self._spent(old, value),
            )
            save(tokens)
            return tokens

        with self._store.draft() as save:
            endpoint.acquire()  # a pause after a 429 can be long, and a signal may end it
            tokens = _uninterrupted(obtain)
        self._trial.start(tokens.access_token)
        return tokens

    def _spent(self, old: Tokens | None, value: str) -> tuple[str, ...]:
        spent = [*(old.spent if old else ()), digest(value)]
        # What is still in the settings is remembered, however long ago it was exchanged.
        consent = digest(self._consent[1]) if self._consent else ""
        return (*(each for each in spent[:-_SPENT] if each == consent), *spent[-_SPENT:])

    def _grant_of(self, response: Response) -> _Grant:
        if response.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED}:
            raise _RefusedError(f"({response.status}: {self._reason_in(response.body)})")
        try:
            return msgspec.json.decode(response.body, type=_Grant, strict=False)
        except msgspec.DecodeError:
            raise TransientError(
                "the response to the token request has an unexpected format",
                code=Code.INVALID_RESPONSE,
            ) from None

    def _reason_in(self, body: bytes) -> str:
        text = body.lower()
        found = (meaning for word, meaning in self._refusals.items() if word.encode() in text)
        return next(found, _UNEXPLAINED)


def _token_in(headers: Mapping[str, str]) -> str:
    return headers.get("Authorization", "").removeprefix("Bearer ")


def _uninterrupted(work: Callable[[], T]) -> T:
    """Return what `work` returns, run where neither a signal nor the end of the run stops it.

    A signal that ends the run raises in the main thread and abandons the daemon threads, but
    Python waits for other threads before it exits. A refresh token that was sent may be invalid
    from then on: the tokens in the response have to reach the disk. The caller keeps the file
    locked, so a signal is raised again only when `work` is done.
    """
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:  # noqa: BLE001  # raised again where it is waited for
            outcome.set_exception(error)

    # Said explicitly, because a thread that a daemon thread starts is a daemon by default.
    thread = threading.Thread(target=run, daemon=False)
    try:
        thread.start()
        return outcome.result()
    except (SystemExit, KeyboardInterrupt):  # a signal
        wait((outcome,))
        raise
