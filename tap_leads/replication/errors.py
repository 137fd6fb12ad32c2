"""What can go wrong while a list is read."""

from __future__ import annotations

from tap_leads.errors import LeadsError


class PagingError(LeadsError):
    """Raised where the API's paging contradicts itself."""


class IncompleteError(LeadsError):
    """Raised where rows are missing, or where nothing proves that none is."""


class FilterIgnoredError(Exception):
    """Raised where the API returns rows that were not asked for, or in another order.

    A strategy catches it and falls back to a full scan; it never reaches the user.
    """
