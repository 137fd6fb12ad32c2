"""Kommo's error responses: https://developers.kommo.com/docs/http-codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.core.wire import json_reply

if TYPE_CHECKING:
    from sandbox.core.wire import Reply
    from sandbox.kommo.query import InvalidParameterError

PROBLEM = "application/problem+json"
_ERRORS = {
    400: ("Bad Request", "Request validation failed"),
    401: ("Unauthorized", "Invalid user name or password"),
    402: ("Payment Required", "Account is not paid"),
    403: ("Forbidden", "Client doesn't have the required scope"),
    404: ("Not Found", "Cannot find the requested resource"),
    405: ("Method Not Allowed", "Method not allowed"),
    429: ("Too Many Requests", "Too many requests"),
    500: ("Internal Server Error", "Internal server error"),
}


def problem(status: int, detail: str | None = None, errors: list[Any] | None = None) -> Reply:
    """Return an error response.

    Args:
        status: The HTTP status.
        detail: A sentence about the error. Default: that of the status.
        errors: The `validation-errors`, if there are any.
    """
    title, usual = _ERRORS.get(status, _ERRORS[500])
    content = {"title": title, "type": f"https://httpstatus.es/{status}", "status": status}
    detail = usual if detail is None else detail
    more = {} if errors is None else {"validation-errors": errors}
    return json_reply(status, {**content, "detail": detail, **more}, PROBLEM)


def invalid(error: InvalidParameterError) -> Reply:
    """Return the response to an invalid parameter."""
    found = {"code": "InvalidType", "path": error.path, "detail": error.detail}
    return problem(400, errors=[{"request_id": "0", "errors": [found]}])
