"""Failures that one line explains to the person who runs the tap."""

from __future__ import annotations

UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)
"""What code raises that meets a value of a form it did not expect."""


class LeadsError(Exception):
    """A failure that one line explains: what happened, in which account, what to do."""


def fault_of(error: BaseException) -> str:
    """Return the kind and place of an unforeseen exception: its text may hold a lead's data."""
    place = ""
    trace = error.__traceback__
    while trace:
        code = trace.tb_frame.f_code
        if "tap_leads" in code.co_filename:
            place = f" in {code.co_qualname}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return f"internal error in tap-leads ({type(error).__name__}{place}); please report this line"
