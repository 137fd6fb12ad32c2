"""What the end of a run waits for while tokens are renewed, and what it does not wait for."""

from __future__ import annotations

import _thread
import json
import signal
import threading
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock
from typing_extensions import override

from tap_leads.errors import Code, coded
from tap_leads.rest.auth.oauth import OAuth
from tap_leads.rest.auth.token_file import account_file
from tap_leads.rest.errors import CredentialError
from tap_leads.rest.http import Response

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tap_leads.rest.auth.token_store import TokenStore
    from tests.unit.rest.places import Place

PATIENCE = 60
CLIENT = {"client_id": "id", "client_secret": "secret", "redirect_uri": "https://me.test"}
GRANT = json.dumps({"access_token": "access", "refresh_token": "refresh"}).encode()


class Endpoint:
    """A token endpoint that keeps the threads in which it was used."""

    def __init__(self) -> None:
        self.waited: list[threading.Thread] = []
        self.posted: list[threading.Thread] = []

    def acquire(self) -> None:
        self.waited.append(threading.current_thread())

    def post(self, url: str, content: Mapping[str, str]) -> Response:
        assert content["code"] == "code"
        self.posted.append(threading.current_thread())
        return Response(200, {}, GRANT, url)

    def warn(self, text: str, code: Code) -> None:
        raise AssertionError(coded(text, code))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "acme.json"


def oauth(path: Path) -> OAuth:
    return oauth_in(account_file("crm", "acme", str(path)))


def oauth_in(store: TokenStore) -> OAuth:
    return OAuth(
        "crm.oauth",
        {**CLIENT, "code": "code"},
        url="http://crm.test/token",
        store=store,
        refusals={},
    )


def test_only_the_exchange_is_waited_for_and_not_the_rate_limit_before_it(place: Place) -> None:
    endpoint = Endpoint()
    headers = oauth_in(place.store()).headers
    caller = threading.Thread(target=headers, args=(endpoint,), daemon=True)
    caller.start()
    caller.join(PATIENCE)
    assert endpoint.waited == [caller]
    (thread,) = endpoint.posted
    assert not thread.daemon


def test_a_signal_during_the_exchange_leaves_the_file_locked_until_the_tokens_are_on_the_disk(
    path: Path,
) -> None:
    interrupted = threading.Event()
    was_locked: list[bool] = []

    class Interrupting(Endpoint):
        @override
        def post(self, url: str, content: Mapping[str, str]) -> Response:
            _thread.interrupt_main()
            assert interrupted.wait(PATIENCE)
            lock = FileLock(f"{path}.lock", blocking=False)
            try:
                with lock:
                    was_locked.append(False)
            except TimeoutError:
                was_locked.append(True)
            return super().post(url, content)

    def interrupt(*_: object) -> None:
        interrupted.set()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            oauth(path).headers(Interrupting())
    finally:
        signal.signal(signal.SIGINT, before)
    assert was_locked == [True]
    assert json.loads(path.read_bytes())["refresh_token"] == "refresh"
    with FileLock(f"{path}.lock", blocking=False):
        pass


def test_a_file_that_another_program_keeps_locked_is_waited_for_once(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tap_leads.rest.auth.token_file.LOCK_SECONDS", 0.01)
    auth, endpoint = oauth(path), Endpoint()
    with FileLock(f"{path}.lock"), pytest.raises(CredentialError, match="keeps the token file"):
        auth.headers(endpoint)
    with pytest.raises(CredentialError, match="keeps the token file"):
        auth.headers(endpoint)  # the lock is free now, but each stream would wait again
    assert endpoint.posted == []
