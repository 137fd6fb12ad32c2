"""Catalogs that select streams."""

from __future__ import annotations

from typing import Any

from tap_leads.sources import SOURCES


def catalog_for(*streams: str) -> dict[str, Any]:
    """Return a catalog that selects only these streams, with all their columns."""
    every = [stream for source in SOURCES for stream in source.streams]
    names = [stream.name for stream in every]
    return {
        "streams": [
            {
                "tap_stream_id": name,
                "stream": name,
                "schema": {"properties": {}},
                "metadata": [{"breadcrumb": [], "metadata": {"selected": name in streams}}],
            }
            for name in names
        ]
    }


LEADS = catalog_for("kommo_leads", "dashly_leads", "carrotquest_leads", "octanist_leads")
"""The default catalog of tests: most are about leads."""
