"""What keeps a request from a response: wrong settings end the account, all else is retried."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import requests
import urllib3

from tap_leads.errors import LeadsError
from tap_leads.rest.connection_errors import connection_error
from tap_leads.rest.errors import AccountClosedError, NoResponseError, PermanentError
from tests.support.logs import uncoded
from tests.unit.rest.support import LEADS, Recorder, Server, client_for, get, leads, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

URL = "https://api.crm.test/leads?email=ann@example.com"
PROXY_SECRET = "canary-9d2e"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1 that nobody trusts, in one file with its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("the program openssl makes the certificate")
    file = tmp_path_factory.mktemp("tls") / "localhost.pem"
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", file, "-out", file.with_suffix(".crt")],
        check=True,
        capture_output=True,
    )  # fmt: skip
    file.write_bytes(file.read_bytes() + file.with_suffix(".crt").read_bytes())
    return file


@contextmanager
def serving_tls(certificate: Path) -> Iterator[Server]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with Server(leads) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        try:
            yield server
        finally:
            server.shutdown()


def fatal(url: str) -> str:
    """Return the message of an error that is not retried and ends the account."""
    client, observer = client_for(url), Recorder()
    with pytest.raises(PermanentError) as raised:
        get(client, url, observer)
    assert observer.retries == []
    assert client.failure == str(raised.value)
    with pytest.raises(AccountClosedError):
        get(client, url, observer)
    return uncoded(str(raised.value))


# Certificates


def test_a_certificate_that_is_not_trusted_ends_the_account(certificate: Path) -> None:
    with serving_tls(certificate) as server:
        place = f"127.0.0.1:{server.server_port}"
        assert fatal(f"https://{place}/leads") == (
            f"the TLS certificate of {place} is not trusted. Behind a proxy that inspects TLS, set "
            "REQUESTS_CA_BUNDLE to its CA file"
        )


def test_a_certificate_in_the_ca_bundle_is_trusted(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.with_suffix(".crt")))
    with serving_tls(certificate) as server:
        url = f"https://127.0.0.1:{server.server_port}"
        assert get(client_for(url), url) == LEADS


@pytest.mark.parametrize("content", [None, "", "not a certificate"])
def test_a_ca_bundle_that_is_missing_or_has_no_certificate_ends_the_account(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "ca.pem"
    if content is not None:
        bundle.write_text(content)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    with serving(leads) as server:
        message = fatal(server.url.replace("http:", "https:"))
    assert message == (
        f"the CA bundle {bundle} cannot be read. Set REQUESTS_CA_BUNDLE to a file in PEM format"
    )


def test_a_server_that_does_not_speak_tls_is_tried_again() -> None:
    with serving(leads) as server:
        url = server.url.replace("http:", "https:")
        observer = Recorder()
        with pytest.raises(LeadsError, match="the TLS handshake with 127"):
            get(client_for(url, max_tries=3), url, observer)
    assert len(observer.retries) == 2


# Proxies and hosts


@pytest.mark.parametrize(
    ("proxy", "place"),
    [
        (f"socks5://ann:{PROXY_SECRET}@proxy.test:1080", "proxy.test:1080"),
        (f"gopher://ann:{PROXY_SECRET}@proxy.test:1080", "proxy.test:1080"),
        (f"http://ann:{PROXY_SECRET}@proxy.test:999999", "URL"),
        (f"http://ann:{PROXY_SECRET}@:80", "URL"),
    ],
)
def test_a_proxy_that_cannot_be_used_ends_the_account_and_its_password_is_not_shown(
    proxy: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert fatal(URL) == f"the proxy {place} cannot be used. Check HTTPS_PROXY"


def test_a_proxy_that_does_not_answer_is_tried_again_and_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serving(leads) as gone:
        port = gone.server_port
    monkeypatch.setenv("HTTPS_PROXY", f"http://ann:{PROXY_SECRET}@127.0.0.1:{port}")
    observer = Recorder()
    with pytest.raises(LeadsError) as raised:
        get(client_for(URL, max_tries=3), URL, observer)
    assert f"the proxy 127.0.0.1:{port} refused the connection" in str(raised.value)
    assert PROXY_SECRET not in str(raised.value) + str(observer.retries)
    assert len(observer.retries) == 2


@pytest.mark.parametrize("host", ["a..test", "a" * 70 + ".test", ".test"])
def test_a_url_whose_host_cannot_exist_ends_the_account(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    monkeypatch.delenv("https_proxy", raising=False)
    assert fatal(f"https://{host}/leads") == f"{host}:443 is not a valid host. Check `api_url`"


# Timeouts


def test_no_connection_in_time_is_no_slow_answer() -> None:
    pool = urllib3.HTTPSConnectionPool("api.crm.test")
    reason = urllib3.exceptions.ConnectTimeoutError(pool, "timed out")
    dropped = requests.ConnectTimeout(urllib3.exceptions.MaxRetryError(pool, URL, reason))
    error = connection_error(dropped, URL, {}, 10)
    assert isinstance(error, NoResponseError)
    assert uncoded(str(error)) == "no connection to api.crm.test:443 within 10 s"
    assert not error.is_too_slow


@pytest.mark.parametrize("timeout", [requests.ReadTimeout(), requests.Timeout()])
def test_an_answer_that_does_not_come_in_time_is_slow(timeout: requests.Timeout) -> None:
    error = connection_error(timeout, URL, {}, 10)
    assert isinstance(error, NoResponseError)
    assert uncoded(str(error)) == "api.crm.test:443 took longer than `request_timeout`"
    assert error.is_too_slow
