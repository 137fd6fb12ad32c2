"""Turn the status of a response into an error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_leads.errors import DATA_ERRORS
from tap_leads.rest.body import decode
from tap_leads.rest.errors import PermanentError, TransientError, codes, meaning_of, request_id
from tap_leads.rest.retry import parse_retry_after

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tap_leads.errors import LeadsError
    from tap_leads.rest.http import Response


@dataclass(frozen=True, slots=True)
class Wording:
    """The settings to check, ready for a message: with backticks, such as "`kommo.api_url`".

    Attributes:
        credential: Where the credential is set.
        base_url: Where the base URL is set.
    """

    credential: str
    base_url: str


@dataclass(frozen=True, slots=True)
class StatusErrors:
    """Makes errors of unsuccessful statuses, in the words of one source.

    Attributes:
        wording: The settings that messages refer to.
        error_codes: Returns the error codes and request ids in an error's body; it may raise any
            of `DATA_ERRORS`. What is not fit for a log is left out.
    """

    wording: Wording
    error_codes: Callable[[Any], Iterable[object]]

    def error_of(self, response: Response) -> LeadsError:
        """Return the error of an unsuccessful response.

        It is a TransientError if a retry may succeed, else a PermanentError.
        """
        try:
            body = decode(response.body)
        except DATA_ERRORS:
            body = None
        return self._error(
            response.status,
            self._codes_in(body) + request_id(response.headers.get("X-Request-Id", "")),
            html="html" in response.headers.get("Content-Type", "").lower(),
            retry_after=parse_retry_after(response.headers, body),
        )

    def error_for(self, status: int, body: Any = None) -> LeadsError:
        """Return the error for a status, also for one inside the body of a 200."""
        return self._error(status, self._codes_in(body))

    def _codes_in(self, body: Any) -> str:
        try:
            return codes(*self.error_codes(body))
        except DATA_ERRORS:
            return ""

    def _error(
        self, status: int, details: str, *, html: bool = False, retry_after: float | None = None
    ) -> LeadsError:
        meaning = meaning_of(status, html=html)
        advice = meaning.text.format(
            credential=self.wording.credential, base_url=self.wording.base_url
        )
        message = f"{status}: {advice}{details}"
        if retry_after:
            message += f"; Retry-After: {retry_after:.0f} s"
        if meaning.retry:
            return TransientError(message, status=status, retry_after=retry_after)
        return PermanentError(message, status=status, fatal_for_account=meaning.fatal_for_account)
