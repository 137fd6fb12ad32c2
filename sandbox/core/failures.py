"""The replies that faults put in place of the API's own."""

from __future__ import annotations

from email.utils import formatdate
from typing import TYPE_CHECKING

import msgspec

from sandbox.core.wire import Reply, Request, html_reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.core.faults import Fault


def failure(
    fault: Fault,
    request: Request,
    now: float,
    *,
    error: Callable[[int], Reply],
    empty: Callable[[Fault], Reply],
) -> Reply | None:
    """Return the reply of a fault that replaces the API's reply, or `None`.

    Args:
        fault: The fault.
        request: The request it hits.
        now: The clock's time, for dates in headers.
        error: Returns the API's own body for a status.
        empty: Returns an empty page of the API.
    """
    match fault.kind:
        case "html200":
            return html_reply(200)
        case "early_204":
            return empty(fault)
        case "meta_error200":
            reply = error(500)
            reply.status = 200
            return reply
        case "redirect":
            return Reply(fault.code, headers={"Location": fault.to})
        case "status":
            reply = html_reply(fault.code) if fault.body == "html" else error(fault.code)
            _add_details(reply, fault, request)
            if fault.retry_after_date is not None:
                date = formatdate(now + fault.retry_after_date, usegmt=True)
                reply.headers["Retry-After"] = date
            elif fault.retry_after is not None:
                reply.headers["Retry-After"] = str(fault.retry_after)
            return reply
        case _:
            return None


def _add_details(reply: Reply, fault: Fault, request: Request) -> None:
    if fault.body == "html" or (fault.body != "echo" and fault.retry_after_body is None):
        return
    content = msgspec.json.decode(reply.body)
    if fault.body == "echo":
        content["request"] = {"pairs": request.pairs, "headers": request.headers.items()}
    if fault.retry_after_body is not None:
        content["retry_after"] = fault.retry_after_body
    reply.body = msgspec.json.encode(content)
