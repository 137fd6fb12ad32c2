"""The setting `oauth`: tokens that the tap renews itself, instead of an `access_token`.

https://datatracker.ietf.org/doc/html/rfc6749#section-6
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tap_leads.settings.schema import object_of, secret, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tap_leads.settings.schema import Config, Schema

_GRANTS = ("code", "refresh_token")
"""The settings that provide the first tokens, unless the token store has them."""
_STORES = ("token_file", "token_store")
"""The settings that say where the tokens are kept; at most one of them."""
_REQUIRED = ("client_id", "client_secret", "redirect_uri")
WAYS = tuple(
    (*(f"oauth.{name}" for name in _REQUIRED), f"oauth.{way}") for way in (*_GRANTS, "token_store")
)
"""The settings to set, for each way to get the first tokens."""


def setting(how: str, code: str) -> Schema:
    """Return the schema of `oauth`.

    Args:
        how: A description of where a user finds the values.
        code: A description of the authorization code, and how long it is valid.
    """
    return object_of(
        {
            "client_id": text("Client ID", "Client ID of the integration.", minLength=1),
            "client_secret": secret("Client secret", "Client secret of the integration."),
            "redirect_uri": text(
                "Redirect URI",
                "Redirect URI of the integration, exactly as it is registered.",
                minLength=1,
            ),
            "code": secret(
                "Code",
                f"{code} The first run exchanges it for tokens; later runs ignore it. To authorize "
                "the integration again, set a new code.",
            ),
            "refresh_token": secret(
                "Refresh token",
                "Alternative to `code`: a refresh token taken over from another program, which "
                "must stop using it. The first run exchanges it for tokens; later runs ignore it.",
            ),
            "token_file": text(
                "Token file",
                "File in which the tap stores the account's tokens, which change at least once a "
                "day. Each account needs its own file, on storage that persists between runs. "
                "Default: a file in `.meltano/tap-leads/` of the Meltano project, or in "
                "`.tap-leads/` of the current folder outside of Meltano.",
                minLength=1,
            ),
            "token_store": secret(
                "Token store",
                "Alternative to `token_file`: a PostgreSQL database in which the tap stores the "
                "tokens of any number of accounts, for machines without storage that persists. "
                "SQLAlchemy address, such as `postgresql+psycopg://user:password@host/db`. "
                "Requires `pip install 'tap-leads[postgres]'`. Default: no database.",
            ),
        },
        title="OAuth",
        description=f"Alternative to `access_token`: tokens that the tap renews itself. {how}",
    )


def inherited(shared: Config, own: Config) -> Config:
    """Return an account's settings: its own take precedence over those that all accounts share.

    An account's own credential replaces a shared one of the other kind, its own `code` replaces a
    shared `refresh_token`, and its own `token_file` a shared `token_store`.
    """
    both = shared | own
    if "oauth" in own:
        below = {**shared.get("oauth", {})}
        for group in (_GRANTS, _STORES):
            if own["oauth"].keys() & {*group}:
                below = {name: value for name, value in below.items() if name not in group}
        both["oauth"] = below | own["oauth"]
        if "access_token" not in own:
            both.pop("access_token", None)
    elif "access_token" in own:
        both.pop("oauth", None)
    return both


def problems(settings: Config) -> Iterator[tuple[str, str]]:
    """Yield errors in an account's `access_token` and `oauth`, as (setting, message)."""
    oauth = settings.get("oauth")
    if oauth is None:
        if "access_token" not in settings:
            yield "access_token", "is required, unless `oauth` is set"
        return
    if "access_token" in settings:
        yield "access_token", "cannot be combined with `oauth`; keep one of the two"
    for name in _REQUIRED:
        if name not in oauth:
            yield f"oauth.{name}", "is required"
    if oauth.keys() >= {*_GRANTS}:
        yield "oauth.code", "cannot be combined with `refresh_token`; keep the newer of the two"
    if oauth.keys() >= {*_STORES}:
        yield "oauth.token_store", "cannot be combined with `token_file`; keep one of the two"
    elif "token_store" in oauth and not _is_postgresql(oauth["token_store"]):
        example = "postgresql+psycopg://user:password@host/db"
        what = f"must be the SQLAlchemy address of a PostgreSQL database, such as {example}"
        yield "oauth.token_store", what


def _is_postgresql(address: str) -> bool:
    from sqlalchemy import make_url  # noqa: PLC0415  # few runs need it, and it is slow
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415

    try:
        url = make_url(address)
    except (ArgumentError, ValueError):  # the latter for a port that is not a number
        return False
    return url.drivername in {"postgresql", "postgresql+psycopg"}


def token_file_errors(accounts: Iterable[tuple[str, Config]]) -> Iterator[str]:
    """Yield a line for each account without a usable file, or with the file of another account.

    Args:
        accounts: For each account, the name of its settings object and its settings.
    """
    owners: dict[Path, str] = {}
    for where, settings in accounts:
        if file := settings.get("oauth", {}).get("token_file"):
            try:
                path = Path(file).expanduser().resolve()
            except (RuntimeError, ValueError, OSError):  # no such home folder, or no path at all
                yield f"{where}.oauth.token_file: must be the path of a file"
                continue
            owner = owners.setdefault(path, where)
            if owner != where:
                yield (
                    f"{where}.oauth.token_file: is also the file of {owner}; give each account its "
                    "own file"
                )
