"""URLs and their origins: credentials are sent to the origin of the API alone."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


def absolute(base: str, link: str) -> str:
    """Return a link as an absolute URL; text that is no URL is returned unchanged."""
    try:
        return urljoin(base, link)
    except ValueError:
        return link


def origin_of(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port of a URL; ("", "", -1) for text that is no URL."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "", "", -1
    return parts.scheme, parts.hostname or "", port or _DEFAULT_PORTS.get(parts.scheme)


def place_of(url: str) -> str:
    """Return host and port of a URL, without the credentials that it may hold."""
    _, host, port = origin_of(url)
    return f"{host}:{port}" if host and port else host or "URL"
