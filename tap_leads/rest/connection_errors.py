"""Turn an exception of `requests` into an error: no URL, no credential of a proxy in its text."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import requests
import urllib3

from tap_leads.errors import Code
from tap_leads.rest.errors import NoResponseError, PermanentError
from tap_leads.urls import place_of

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
    if wrong := _wrong_setting(error, url, proxy, options.get("verify")):
        code, cause, advice = wrong
        return PermanentError(cause, advice, code=code, fatal_for_account=True)
    # It is a `Timeout` too, but a smaller page does not help.
    if isinstance(error, requests.ConnectTimeout):
        text = f"no connection to {place_of(url)} within {connect_seconds:g} s"
        return NoResponseError(text, is_unreachable=True)
    if isinstance(error, requests.Timeout | urllib3.exceptions.ReadTimeoutError):
        text = f"{place_of(url)} took longer than `request_timeout`"
        return NoResponseError(text, timed_out=True)
    return _failed(error, place_of(url), proxy)


def _failed(error: Exception, place: str, proxy: str | None) -> NoResponseError:
    """Return the error for an exception that is neither a wrong setting nor a timeout."""
    if isinstance(error, requests.exceptions.ProxyError):
        return NoResponseError(
            _unreachable(error, f"the proxy {place_of(proxy or '')}"),
            "Check HTTPS_PROXY and the proxy",
            is_unreachable=True,
        )
    if isinstance(error, requests.exceptions.SSLError):
        return NoResponseError(f"the TLS handshake with {place} failed", is_unreachable=True)
    if isinstance(error, requests.ConnectionError):
        connected = not isinstance(_cause_of(error), urllib3.exceptions.NewConnectionError)
        return NoResponseError(_unreachable(error, place), is_unreachable=not connected)
    if isinstance(error, urllib3.exceptions.HTTPError):
        return NoResponseError(f"the response of {place} was incomplete")
    return NoResponseError(type(error).__name__)


def _wrong_setting(
    error: Exception, url: str, proxy: str | None, verify: object
) -> tuple[Code, str, str] | None:
    """Return the code, which setting or variable is wrong, and what to do; None if none is."""
    cause = _cause_of(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        server = proxy if isinstance(error, requests.exceptions.ProxyError) else url
        return (
            Code.TLS_CERTIFICATE,
            f"the TLS certificate of {place_of(server or '')} is not trusted",
            "Behind a proxy that inspects TLS, set REQUESTS_CA_BUNDLE to its CA file",
        )
    if _is_about_bundle(error, cause):
        name = f"the CA bundle {verify}" if isinstance(verify, str) else "the default CA bundle"
        advice = "Set REQUESTS_CA_BUNDLE to a file in PEM format"
        return Code.CA_BUNDLE, f"{name} cannot be read", advice
    if not isinstance(error, _INVALID):
        return None
    if proxy:
        return Code.PROXY, f"the proxy {place_of(proxy)} cannot be used", "Check HTTPS_PROXY"
    return Code.INVALID_HOST, f"{place_of(url)} is not a valid host", "Check `api_url`"


# A proxy of an unknown scheme, a SOCKS proxy without the package for it, a host that is no name.
_INVALID = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    urllib3.exceptions.LocationValueError,
)


def _unreachable(error: Exception, place: str) -> str:
    """Return why there is no connection to a host or proxy, or no response over it."""
    cause = _cause_of(error)
    if isinstance(cause, urllib3.exceptions.NameResolutionError):
        return f"cannot resolve the name of {place} (DNS)"
    if isinstance(cause, urllib3.exceptions.NewConnectionError):
        if isinstance(cause.__cause__, ConnectionRefusedError):
            return f"{place} refused the connection"
        return f"cannot connect to {place}"
    return f"the connection to {place} failed"


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
