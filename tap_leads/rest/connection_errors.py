"""Turn an exception of `requests` into an error: no URL, no credential of a proxy in its text."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import requests
import urllib3

from tap_leads.rest.errors import NoResponseError, PermanentError
from tap_leads.urls import origin_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_leads.errors import LeadsError

# Parts of OpenSSL that read certificates: the server has no part in their errors.
_CERTIFICATE_READERS = {"X509", "PEM", "ASN1"}


def connection_error(
    error: Exception, url: str, options: Mapping[str, Any], connect_seconds: float
) -> LeadsError:
    """Return the error for an exception; a wrong setting is permanent, all else may pass.

    Args:
        error: The exception.
        url: The URL of the request.
        options: What the request was sent with: `proxies` and `verify`.
        connect_seconds: How long setting up a connection may take.
    """
    proxy = requests.utils.select_proxy(url, options.get("proxies"))
    if message := _wrong_setting(error, url, proxy, options.get("verify")):
        return PermanentError(message, fatal_for_account=True)
    # It is a `Timeout` too, but a smaller page does not help.
    if isinstance(error, requests.ConnectTimeout):
        return NoResponseError(f"no connection within {connect_seconds:g} s")
    if isinstance(error, requests.Timeout | urllib3.exceptions.ReadTimeoutError):
        return NoResponseError("it took longer than `request_timeout`", timed_out=True)
    return NoResponseError(_reason(error, proxy))


def _wrong_setting(error: Exception, url: str, proxy: str | None, verify: object) -> str:
    """Return which setting or variable is wrong and what to do; "" if none is."""
    cause = _cause_of(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        server = proxy if isinstance(error, requests.exceptions.ProxyError) else url
        return (
            f"the TLS certificate of {_place(server)} is not trusted; behind a proxy that inspects "
            "TLS, set REQUESTS_CA_BUNDLE to its CA file"
        )
    if _is_about_bundle(error, cause):
        name = f"the CA bundle {verify}" if isinstance(verify, str) else "the default CA bundle"
        return f"{name} cannot be read; set REQUESTS_CA_BUNDLE to a file in PEM format"
    if not isinstance(error, _INVALID):
        return ""
    if proxy:
        return f"the proxy {_place(proxy)} cannot be used; check HTTPS_PROXY"
    return f"{_place(url)} is not a valid host; check `api_url`"


# A proxy of an unknown scheme, a SOCKS proxy without the package for it, a host that is no name.
_INVALID = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    urllib3.exceptions.LocationValueError,
)


def _reason(error: Exception, proxy: str | None) -> str:
    if isinstance(error, requests.exceptions.ProxyError):
        return f"the connection through the proxy {_place(proxy)} failed"
    if isinstance(error, requests.exceptions.SSLError):
        return "the TLS handshake failed"
    if isinstance(error, requests.ConnectionError):
        return "the connection failed"
    if isinstance(error, urllib3.exceptions.HTTPError):
        return "the response was incomplete"
    return type(error).__name__


def _cause_of(error: Exception) -> object:
    """Return the exception in the innermost of the exceptions that `urllib3` wraps it in."""
    cause: Any = error.args[0] if error.args else None
    if isinstance(cause, urllib3.exceptions.MaxRetryError):
        cause = cause.reason
    if isinstance(cause, urllib3.exceptions.ProxyError):
        cause = cause.original_error
    if isinstance(cause, urllib3.exceptions.SSLError):
        cause = cause.args[0]
    return cause


def _is_about_bundle(error: Exception, cause: object) -> bool:
    """True if the file with trusted certificates is missing, or has none."""
    if not isinstance(error, requests.RequestException | urllib3.exceptions.HTTPError):
        return isinstance(error, OSError)
    if not isinstance(error, requests.exceptions.SSLError):
        return False
    if isinstance(cause, ssl.SSLError):
        return cause.library in _CERTIFICATE_READERS
    return isinstance(cause, FileNotFoundError | IsADirectoryError | PermissionError)


def _place(url: str | None) -> str:
    """Return host and port of a URL, without the credentials that a proxy's may hold."""
    _, host, port = origin_of(url or "")
    return f"{host}:{port}" if host and port else host or "URL"
