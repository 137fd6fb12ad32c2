"""Requests to the sandbox's APIs and control plane, for the tests in this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from sandbox import Api

NOON = 1_770_000_000.0
"""The time at which the sandbox of these tests starts: 2026-02-02T02:40:00Z."""
Row = dict[str, Any]
_LISTS = {
    "kommo": "/api/v4/leads",
    "dashly": "/apps/$self_app/users",
    "carrotquest": "/apps/$self_app/users",
    "octanist": "/api/leads",
}


def ask(
    api: Api,
    path: str = "",
    /,
    *,
    token: Any = None,  # `Any`, because tests spread dicts of parameters
    session: Any = None,
    timeout: Any = 30,
    **query: Any,
) -> requests.Response:
    """Send a GET request to an API.

    Args:
        api: The API.
        path: A URL, a path below the API's URL, or for Kommo a path below `/api/v4`. Default: the
            list of leads.
        token: The credential. Default: the API's own.
        session: Reuses connections.
        timeout: Seconds to wait for an answer.
        query: Parameters; `filter__type` becomes `filter[type]`, and `with_` becomes `with`.
    """
    path = path or _LISTS[api.slot]
    if not path.startswith(("http", "/")):
        path = f"/api/v4/{path}"
    params = {}
    for name, value in query.items():
        head, *rest = name.split("__")
        params[head.rstrip("_") + "".join(f"[{part}]" for part in rest)] = value
    response: requests.Response = (session or requests).get(
        path if path.startswith("http") else api.url + path,
        params=params,
        headers=_credential(api, api.token if token is None else token),
        allow_redirects=False,
        timeout=timeout,
    )
    return response


def _credential(api: Api, token: str) -> dict[str, str]:
    if api.slot == "octanist":
        return {"X-API-KEY": token}
    return {"Authorization": f"{'Bearer' if api.slot.startswith('kommo') else 'Token'} {token}"}


def rows_of(response: requests.Response) -> list[Row]:
    """Return the rows of a response; none for a 204."""
    if response.status_code == 204:
        assert response.content == b""
        return []
    assert response.status_code == 200, response.text
    body = response.json()
    if "_embedded" in body:
        (rows,) = body["_embedded"].values()
    else:
        rows = body["data"]
        rows = rows["users"] if isinstance(rows, dict) else rows
    found: list[Row] = rows
    return found


def ids_of(response: requests.Response) -> list[Any]:
    """Return the IDs of the rows of a response."""
    return [row["id"] for row in rows_of(response)]


def error_of(response: requests.Response) -> tuple[int, str]:
    """Return the status and the error code of a response of Dashly or Octanist."""
    body = response.json()
    if "data" in body:
        assert body["data"] == {}
        assert body["meta"]["status"] == response.status_code
        return response.status_code, body["meta"]["error"]
    assert body["success"] is False
    assert body["meta"]["requestId"].startswith("req_")
    return response.status_code, body["error"]["code"]


def page(api: Api, path: str = "", /, **query: Any) -> list[Row]:
    """Return the rows of a single page."""
    return rows_of(ask(api, path, **query))


def everything(api: Api, path: str = "", /, **query: Any) -> list[Row]:
    """Return the rows of all pages of a list, and check the totals that the API returns."""
    found: list[Row] = []
    if api.slot == "kommo":
        response = ask(api, path, **{"limit": 250, **query})
        found += rows_of(response)
        while response.status_code == 200 and "next" in response.json()["_links"]:
            response = ask(api, response.json()["_links"]["next"]["href"])
            found += rows_of(response)
        return found
    number, more, total = 0, True, 0
    while more:
        number += 1
        if api.slot == "octanist":
            response = ask(api, path, limit=100, page=number, **query)
            pagination = response.json()["meta"]["pagination"]
            found += rows_of(response)
            more, total = pagination["hasMore"], pagination["total"]
        else:
            response = ask(api, path, limit=50, offset=len(found), **query)
            rows = rows_of(response)
            found += rows
            more, total = len(rows) == 50, response.json()["data"]["total"]
    assert total == len(found)
    return found


def command(api: Api, path: str, /, **content: Any) -> dict[str, Any]:
    """Perform an action of the control plane; return the answer, which may be an error."""
    root = api.url.rpartition("/")[0]
    response = requests.post(f"{root}/_control/{path}", json=content, timeout=30)
    answer: dict[str, Any] = response.json()
    assert response.ok == ("error" not in answer)
    return answer
