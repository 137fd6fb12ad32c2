"""Send requests to the sandbox's Kommo, for the tests of the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from sandbox.kommo.api import Kommo

NOON = 1_770_000_000.0
"""The time at which the sandbox of these tests starts."""
Row = dict[str, Any]


def ask(api: Kommo, path: str, /, token: str | None = None, **query: Any) -> requests.Response:
    """Send a request to Kommo; `filter__type` stands for `filter[type]`."""
    params = {}
    for name, value in query.items():
        head, *rest = name.split("__")
        params[head.rstrip("_") + "".join(f"[{part}]" for part in rest)] = value
    headers = {"Authorization": f"Bearer {api.token if token is None else token}"}
    url = path if path.startswith("http") else f"{api.url}/api/v4/{path}"
    return requests.get(url, params=params, headers=headers, timeout=10)


def rows_of(response: requests.Response) -> list[Row]:
    """Return the rows of a response; none for a 204."""
    if response.status_code == 204:
        assert response.content == b""
        return []
    assert response.status_code == 200, response.text
    (rows,) = response.json()["_embedded"].values()
    found: list[Row] = rows
    return found


def page(api: Kommo, path: str, /, **query: Any) -> list[Row]:
    """Return the rows of a single page."""
    return rows_of(ask(api, path, **query))


def everything(api: Kommo, path: str, /, **query: Any) -> list[Row]:
    """Return the rows of all pages, following the `next` links."""
    response = ask(api, path, **{"limit": 250, **query})
    rows = rows_of(response)
    while response.status_code == 200 and "next" in response.json()["_links"]:
        response = ask(api, response.json()["_links"]["next"]["href"])
        rows += rows_of(response)
    return rows
