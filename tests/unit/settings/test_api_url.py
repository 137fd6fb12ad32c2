"""URLs that a credential may be sent to."""

from __future__ import annotations

import pytest

from tap_leads.settings.validate import api_url_error

REFUSED_URLS = [
    "http://example.com",
    "http://127.0.0.1.example.com",
    "http://localhost.example.com",
    "http://0.0.0.0",
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
    "//example.com",
    "example.com",
    "ftp://127.0.0.1",
    "javascript:alert(1)",
    "http://[::1",
    "",
]


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_a_url_that_a_credential_must_not_be_sent_to_is_refused(url: str) -> None:
    assert (api_url_error(url) or "").startswith("must be ")


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
