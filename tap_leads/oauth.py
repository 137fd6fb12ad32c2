"""OAuth 2.0 with refresh tokens that rotate: each is good until what it gave is used.

https://datatracker.ietf.org/doc/html/rfc6749#section-6
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from tap_leads.auth import LongLivedToken, bearer
from tap_leads.errors import CredentialError, TransientError
from tap_leads.settings import object_of, secret, text
from tap_leads.tokens import Token, TokenFile, Tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import requests

    from tap_leads.auth import Auth, TokenApi
    from tap_leads.settings import Config, Schema

T = TypeVar("T")

# The two ways to begin, each with its grant type; the second is also how to go on.
_GRANTS = {"code": "authorization_code", "refresh_token": "refresh_token"}
_NEEDED = ("client_id", "client_secret", "redirect_uri")
# Spent tokens that are remembered: one a day, for longer than a refresh token is good.
_SPENT = 200
_DAY = 86_400
_MOST_IN_VAIN = 3


class _Given(msgspec.Struct):
    """The answer of a token endpoint, as far as it counts here."""

    access_token: Token
    refresh_token: Token
    expires_in: float = _DAY


class _RefusedError(Exception):
    """The token endpoint does not take a code or a refresh token; the text says why."""


def setting(how: str, code: str) -> Schema:
    """The schema of the setting `oauth`; `how` says how to come by it, `code` what a code is."""
    return object_of(
        {
            "client_id": text(
                "Client id", "The id of the integration (Integration ID).", minLength=1
            ),
            "client_secret": secret("Client secret", "The secret of the integration (Secret key)."),
            "redirect_uri": text(
                "Redirect URI",
                "The redirect address of the integration, letter for letter.",
                minLength=1,
            ),
            "code": secret(
                "Code",
                f"{code} The first run exchanges it for tokens, and later ones ignore it; another "
                "code is a new consent.",
            ),
            "refresh_token": secret(
                "Refresh token",
                "In place of `code`: the first refresh token, from another program, which must not"
                " go on using it. Ignored once it has been exchanged.",
            ),
            "token_file": text(
                "Token file",
                "Where the tap keeps the account's tokens, which change at least once a day: a "
                "file of its own for each account, on a disk that outlives the run. Default: "
                "`.meltano/tap-leads/` of the Meltano project, else `.tap-leads/` in the current "
                "folder.",
                minLength=1,
            ),
        },
        title="OAuth",
        description=f"In place of `access_token`: tokens that the tap renews by itself. {how}",
    )


def inherited(shared: Config, own: Config) -> Config:
    """An account's settings: its own over those beside `accounts`, one way in over the other."""
    both = shared | own
    if "oauth" in own:
        below = {**shared.get("oauth", {})}
        if own["oauth"].keys() & _GRANTS:
            below = {name: value for name, value in below.items() if name not in _GRANTS}
        both["oauth"] = below | own["oauth"]
        if "access_token" not in own:
            both.pop("access_token", None)
    elif "access_token" in own:
        both.pop("oauth", None)
    return both


def problems(settings: Config) -> Iterator[tuple[str, str]]:
    """What is wrong with an account's `access_token` and `oauth`."""
    oauth = settings.get("oauth")
    if oauth is None:
        if "access_token" not in settings:
            yield "access_token", "must be set, or `oauth` in its place"
        return
    if "access_token" in settings:
        yield "access_token", "cannot be set beside `oauth`: keep one of the two"
    for name in _NEEDED:
        if name not in oauth:
            yield f"oauth.{name}", "must be set"
    if oauth.keys() >= _GRANTS.keys():
        yield "oauth.code", "cannot be set beside `refresh_token`: keep the newer of the two"


def shared_files(accounts: Iterable[tuple[str, Config]]) -> Iterator[str]:
    """A line for each account that would write over the tokens of another one."""
    owners: dict[Path, str] = {}
    for where, settings in accounts:
        if file := settings.get("oauth", {}).get("token_file"):
            owner = owners.setdefault(Path(file).expanduser().resolve(), where)
            if owner != where:
                yield f"{where}.oauth.token_file: is the file of {owner} too; give each its own"


def auth_of(source: str, label: str, settings: Config, url: str) -> Auth:
    """How an account of a source proves who it is; `url` is the token endpoint."""
    if "oauth" in settings:
        return OAuth(source, label, settings["oauth"], url)
    return LongLivedToken(f"{source}.access_token", settings["access_token"])


def default_file(source: str, label: str) -> Path:
    """Where an account's tokens are if nothing is said: beside the project's data."""
    project = os.environ.get("MELTANO_PROJECT_ROOT")
    folder = Path(project, ".meltano", "tap-leads") if project else Path(".tap-leads").absolute()
    if re.fullmatch("[a-z0-9_-]{1,60}", label):
        return folder / f"{source}-{label}.json"
    # Another label may differ in nothing that a file name keeps. No plain one has a dot.
    plain = re.sub("[^a-z0-9_-]+", "-", label.lower())[:40]
    return folder / f"{source}-{plain}.{digest(label)[:16]}.json"


def digest(value: str) -> str:
    """What is kept of a token that is spent."""
    return hashlib.sha256(value.encode()).hexdigest()


@dataclass
class _Trial:
    """Whether an access token that a renewal has brought is accepted by anything."""

    token: str = field(default="", repr=False)
    """The token, until a request with it is accepted."""
    under_way: int = 0
    in_vain: int = 0
    """The renewals in a row that brought tokens of which none was seen to be accepted."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def begin(self, token: str) -> None:
        """A request with that token is sent."""
        with self._lock:
            self.under_way += token == self.token

    def end(self, token: str, *, is_good: bool) -> None:
        """A request with that token is answered."""
        with self._lock:
            self.under_way -= token == self.token
            if is_good:
                self.in_vain = 0
                self.token = "" if token == self.token else self.token

    def has_failed(self, token: str) -> bool:
        """Whether that token, which was refused, is no worse than the next one would be.

        Others that are under way with it may have been accepted, and it may have ended since.
        """
        with self._lock:
            if token != self.token:
                return False
            self.in_vain += 1
            return self.under_way <= 0 or self.in_vain >= _MOST_IN_VAIN


class OAuth:
    """An account's pair of tokens, which is renewed when it ends or is refused."""

    def __init__(self, source: str, label: str, settings: Config, url: str) -> None:
        """Begin with the code or token in `settings`; ask for the rest at `url`."""
        self._setting = f"{source}.oauth"
        self._client = {name: settings[name] for name in _NEEDED}
        self._begin = next(((name, settings[name]) for name in _GRANTS if name in settings), None)
        self._url = url
        own = settings.get("token_file")
        self._file = TokenFile(
            Path(own) if own else default_file(source, label),
            f"{self._setting}.token_file",
            own_folder=not own,
        )
        self._turn = threading.Lock()
        self._tokens: Tokens | None = None
        self._has_begun = False
        self._trial = _Trial()
        self._failure: CredentialError | None = None

    def ready(self, api: TokenApi) -> None:
        """Have a token that is good by the clock."""
        if not self._is_good(""):
            self._settle(api, "")

    def headers(self) -> dict[str, str]:
        """The headers that carry the access token."""
        if self._tokens is None:
            return {}
        self._trial.begin(self._tokens.access_token)
        return bearer(self._tokens.access_token)

    def is_worth_another_try(self, response: requests.Response, api: TokenApi) -> bool:
        """Whether a request was refused for its token, and there is another token now."""
        sent = response.request.headers.get("Authorization", "").removeprefix("Bearer ")
        self._trial.end(sent, is_good=response.ok)
        if response.status_code != HTTPStatus.UNAUTHORIZED:
            return False
        self._settle(api, sent)
        return True

    def _is_good(self, refused: str) -> bool:
        tokens = self._tokens
        return bool(tokens and tokens.access_token != refused and not tokens.is_due(time.time()))

    def _settle(self, api: TokenApi, refused: str) -> None:
        """Have another token than the refused one, which one thread sees to for all."""
        with self._turn:
            if self._failure:
                raise self._failure
            if not self._is_good(refused):
                try:
                    _to_its_end(lambda: self._settle_alone(api, refused))
                except CredentialError as error:
                    self._failure = error
                    raise

    def _settle_alone(self, api: TokenApi, refused: str) -> None:
        with self._file.locked():
            # A file that has gone in mid-run is written anew.
            tokens = self._file.load() or self._tokens
            if tokens is None or not self._has_begun:
                tokens = self._begun(api, tokens)
                self._has_begun = True
            if tokens.access_token == refused and self._trial.has_failed(refused):
                raise CredentialError(
                    "401: the API does not accept the token that it has just given; look at "
                    f"`{self._setting}.client_id`, and at whether it is of this account"
                )
            # It may be another program that has renewed them.
            if tokens.access_token == refused or tokens.is_due(time.time()):
                tokens = self._renewed(api, tokens)
            self._tokens = tokens

    def _begun(self, api: TokenApi, tokens: Tokens | None) -> Tokens:
        """The tokens to go on with: those of the file, unless the settings have a new consent."""
        if self._begin is None:
            if tokens is None:
                raise CredentialError(
                    f"there are no tokens in {self._file.path}; consent, and set "
                    f"`{self._setting}.code` to the code"
                )
            return tokens
        name, value = self._begin
        if tokens and (value == tokens.refresh_token or digest(value) in tokens.spent):
            return tokens
        try:
            return self._exchanged(api, name, value, tokens)
        except _RefusedError as error:
            if tokens is None:
                raise CredentialError(
                    f"the API does not take `{self._setting}.{name}` {error}; {self._advice}"
                ) from None
            api.warn(
                f"the API does not take `{self._setting}.{name}` {error}; the tap goes on with the "
                f"tokens in {self._file.path}: take it out of the settings, or consent again"
            )
            return tokens

    def _renewed(self, api: TokenApi, tokens: Tokens) -> Tokens:
        try:
            return self._exchanged(api, "refresh_token", tokens.refresh_token, tokens)
        except _RefusedError as error:
            raise CredentialError(
                f"the API does not take the refresh token in {self._file.path} any more {error}; "
                f"{self._advice}"
            ) from None

    @property
    def _advice(self) -> str:
        return f"consent again, and set `{self._setting}.code` to the new code"

    def _exchanged(self, api: TokenApi, name: str, value: str, old: Tokens | None) -> Tokens:
        """The pair that a code or a refresh token gives, on the disk before it is of any use."""
        spent = [*(old.spent if old else ()), digest(value)]
        # What stays in the settings stays known, however long ago it was spent.
        begin = digest(self._begin[1]) if self._begin else ""
        spent = [each for each in spent[:-_SPENT] if each == begin] + spent[-_SPENT:]
        with self._file.draft() as save:
            began = time.time()
            content = {**self._client, "grant_type": _GRANTS[name], name: value}
            given = _read(api.post(self._url, content))
            tokens = Tokens(
                access_token=given.access_token,
                refresh_token=given.refresh_token,
                obtained_at=began,
                expires_at=began + (given.expires_in if given.expires_in > 0 else _DAY),
                spent=tuple(spent),
            )
            save(tokens)
        self._trial.token = tokens.access_token
        self._trial.under_way = 0
        return tokens


def _read(response: requests.Response) -> _Given:
    if response.status_code in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED}:
        raise _RefusedError(f"({response.status_code}: {_reason(response)})")
    try:
        return msgspec.json.decode(response.content, type=_Given, strict=False)
    except msgspec.DecodeError:
        raise TransientError("the answer to the request for tokens is not what it should be") from (
            None
        )


# What is looked for in the text of a refusal, which may repeat what was sent, and what it means.
_REASONS = {
    b"client": "it is of another integration, or `client_id` or `client_secret` is wrong",
    b"redirect": "`redirect_uri` is not the one of the integration",
    b"expired": "it was not used in time",
    b"": "it is wrong or was used before, its access was revoked, or an answer with new tokens "
    "was lost",
}


def _reason(response: requests.Response) -> str:
    body = response.content.lower()
    return next(meaning for word, meaning in _REASONS.items() if word in body)


def _to_its_end(work: Callable[[], T]) -> T:
    """Do something that a signal, or the end of the run, must not cut short: it waits for it."""
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:  # noqa: BLE001  # it is raised where it is waited for
            outcome.set_exception(error)

    # Where a daemon begins it, it would be one too, and ended with the run.
    threading.Thread(target=run, daemon=False).start()
    return outcome.result()
