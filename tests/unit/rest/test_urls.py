"""URLs and their origins."""

from __future__ import annotations

import pytest

from tap_leads.urls import absolute, origin_of


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://crm.test/a?b", ("https", "crm.test", 443)),
        ("http://CRM.test", ("http", "crm.test", 80)),
        ("https://crm.test:8443", ("https", "crm.test", 8443)),
        ("ftp://crm.test", ("ftp", "crm.test", None)),
        ("/leads", ("", "", None)),
        ("https://crm.test:port", ("", "", -1)),
        ("http://[::1", ("", "", -1)),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, origin: tuple[str, str, int | None]) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("/leads?page=2", "https://crm.test/leads?page=2"),
        ("?page=2", "https://crm.test/v4/?page=2"),
        ("https://other.test/leads", "https://other.test/leads"),
        ("http://[::1", "http://[::1"),
    ],
)
def test_a_link_becomes_absolute(link: str, url: str) -> None:
    assert absolute("https://crm.test/v4/", link) == url
