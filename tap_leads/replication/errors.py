"""Errors raised while a list is read."""

from __future__ import annotations

from tap_leads.errors import Code, LeadsError


class PagingError(LeadsError):
    """Raised if the API's pagination contradicts itself."""

    advice = "Run the sync again; if this persists, contact the vendor's support"
    code = Code.PAGINATION


class IncompleteError(LeadsError):
    """Raised if rows are missing, or if nothing proves that none are."""

    code = Code.INCOMPLETE


class FilterIgnoredError(Exception):
    """Raised if the API returns rows outside the requested bounds, or in another order.

    A strategy catches it and falls back to a full scan; it never reaches the user.
    """
