"""URLs that a credential may be sent to."""

from __future__ import annotations

import pytest

from tap_leads.settings.validate import api_url_error

INSECURE_URLS = [
    "http://example.com",
    "http://127.0.0.1.example.com",
    "http://localhost.example.com",
    "http://0.0.0.0",
    "ftp://127.0.0.1",
    "//example.com",
]
ODD_URLS = [
    "https://user:word@example.com",
    "https://user@example.com",
    "https://@example.com",
    "https://example.com\\@evil.com",
    "https://example.com?key=1",
    "https://example.com/?",
    "https://example.com/#",
    "https://example.com:99999",
    "https://example.com:x",
    "https://exa\tmple.com",
    "https://exa mple.com",
    "https://example.com\n",
    "https://",
    "https:/example.com",
    "example.com",
    "javascript:alert(1)",
    "",
]


REFUSED_URLS = [
    *(
        (url, "https, or http on a loopback address, because the credential is sent there")
        for url in INSECURE_URLS
    ),
    *((url, "a plain URL, without a username, query or fragment") for url in ODD_URLS),
    ("http://[::1", "a URL"),
]


@pytest.mark.parametrize(("url", "said"), REFUSED_URLS)
def test_a_url_that_a_credential_must_not_be_sent_to_is_refused(url: str, said: str) -> None:
    assert api_url_error(url) == f"must be {said}"


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com:8443/api/v4",
        "http://127.0.0.1:8080",
        "http://localhost",
        "http://[::1]:80/",
    ],
)
def test_a_url_that_a_credential_may_be_sent_to_is_accepted(url: str) -> None:
    assert api_url_error(url) is None
