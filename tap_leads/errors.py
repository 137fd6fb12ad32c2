"""Failures that one line explains to the person who runs the tap."""

from __future__ import annotations

import re
from pathlib import Path

_PACKAGE = str(Path(__file__).parent)
DATA_ERRORS = (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)
"""Exceptions that code raises if a value has an unexpected form."""

CONTROL_CHARACTER = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""Characters that end a line or change how a terminal shows it."""


def printable(text: str) -> str:
    """Return a text as one line, with its control characters escaped."""
    return CONTROL_CHARACTER.sub(lambda found: repr(found[0])[1:-1], text)


class LeadsError(Exception):
    """A failure that one line explains: what happened, in which account, what to do.

    Attributes:
        cause: What happened: the line without the advice.
        advice: What to do; a class may have one for all of its errors.
    """

    advice = ""

    def __init__(self, cause: str, advice: str = "") -> None:
        """Compose the line."""
        self.cause = printable(cause)
        self.advice = advice or self.advice
        super().__init__(f"{self.cause}. {self.advice}" if self.advice else self.cause)


def internal_error(error: BaseException) -> str:
    """Return the type and location of an unexpected exception.

    Its text is left out: it may contain personal data.
    """
    place = ""
    trace = error.__traceback__
    while trace:
        code = trace.tb_frame.f_code
        if code.co_filename.startswith(_PACKAGE):
            place = f" in {code.co_qualname}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return f"internal error in tap-leads ({type(error).__name__}{place}); please report this line"
