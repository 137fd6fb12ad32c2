"""Turn the status of a response into an error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_leads.errors import DATA_ERRORS, Code
from tap_leads.rest.body import decode
from tap_leads.rest.errors import PermanentError, TransientError, codes, meaning_of, request_id
from tap_leads.rest.retry import parse_retry_after
from tap_leads.urls import absolute, origin_of, place_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tap_leads.errors import LeadsError
    from tap_leads.rest.errors import Meaning
    from tap_leads.rest.http import Response


@dataclass(frozen=True, slots=True)
class Wording:
    """The settings to check, ready for a message: with backticks, such as "`kommo.api_url`".

    Attributes:
        credential: Where the credential is set.
        base_url: Where the base URL is set.
        api: The name of the API.
    """

    credential: str
    base_url: str
    api: str = "the API"


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
            meaning_of(
                response.status,
                html="html" in response.headers.get("Content-Type", "").lower(),
                elsewhere=_is_elsewhere(response),
                optional=response.request is not None and response.request.optional,
            ),
            self._codes_in(body) + request_id(response.headers.get("X-Request-Id", "")),
            retry_after=parse_retry_after(response.headers, body),
        )

    def error_for(self, status: int, body: Any = None) -> LeadsError:
        """Return the error for a status, also for one inside the body of a 200."""
        return self._error(status, meaning_of(status), self._codes_in(body))

    def no_account(self, url: str) -> LeadsError:
        """Return the error of an account that does not exist at a URL (HTTP 404)."""
        cause = f"there is no {self.wording.api} account at {place_of(url)} (HTTP 404)"
        return PermanentError(
            cause, f"Check {self.wording.base_url}", code=Code.HTTP_404, fatal_for_account=True
        )

    def _codes_in(self, body: Any) -> str:
        try:
            return codes(*self.error_codes(body))
        except DATA_ERRORS:
            return ""

    def _error(
        self, status: int, meaning: Meaning, details: str, *, retry_after: float | None = None
    ) -> LeadsError:
        words = self.wording
        cause, advice = (
            text.format(api=words.api, credential=words.credential, base_url=words.base_url)
            for text in (meaning.cause, meaning.advice)
        )
        cause += f" (HTTP {status}){details}"
        if retry_after:
            cause += f"; Retry-After: {retry_after:.0f} s"
        if meaning.retry:
            return TransientError(
                cause, advice, code=meaning.code, status=status, retry_after=retry_after
            )
        return PermanentError(
            cause,
            advice,
            code=meaning.code,
            status=status,
            fatal_for_account=meaning.fatal_for_account,
            details=details,
        )


def _is_elsewhere(response: Response) -> bool:
    """True if a response redirects to another origin, where the token may not go."""
    location = response.headers.get("Location")
    if location is None:
        return False
    target = origin_of(absolute(response.url, location))
    return bool(target[1]) and target != origin_of(response.url)
