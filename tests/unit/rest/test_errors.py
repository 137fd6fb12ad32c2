"""What statuses mean, and what of a response may be in a message."""

from __future__ import annotations

import json
from dataclasses import replace
from http import HTTPStatus

import pytest

from tap_leads.errors import LeadsError
from tap_leads.rest import errors
from tap_leads.rest.errors import (
    OPTIONAL_MEANINGS,
    AccountClosedError,
    CredentialError,
    NoResponseError,
    PermanentError,
    TransientError,
    codes,
    meaning_of,
    request_id,
)
from tap_leads.rest.http import Request, Response
from tap_leads.rest.status import StatusErrors
from tests.support.logs import uncoded
from tests.unit.rest.support import WORDING


def test_an_error_is_one_line_whatever_it_quotes() -> None:
    error = LeadsError("no stream a\r\nb\x1b[2J", "Do it.")
    assert str(error) == r"no stream a\r\nb\x1b[2J. Do it."


STATUSES = StatusErrors(WORDING, lambda body: [body["code"], body["request"]])


def response(status: int, body: bytes = b"", **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, named, body, "http://crm.test/leads")


@pytest.mark.parametrize("status", [408, 425, 429, 500, 501, 502, 503, 504, 520, 599])
def test_statuses_that_may_pass_are_retried(status: int) -> None:
    error = STATUSES.error_for(status)
    assert isinstance(error, TransientError)
    assert error.status == status


@pytest.mark.parametrize(
    ("status", "fatal"), [(400, False), (401, True), (402, True), (403, False), (404, False)]
)
def test_statuses_that_a_retry_cannot_improve_say_if_the_account_is_lost(
    status: int, *, fatal: bool
) -> None:
    error = STATUSES.error_for(status)
    assert isinstance(error, PermanentError)
    assert (error.status, error.fatal_for_account) == (status, fatal)


@pytest.mark.parametrize("status", OPTIONAL_MEANINGS)
def test_a_status_of_an_optional_list_concerns_that_list_alone(status: int) -> None:
    request = Request("GET", "http://crm.test/tags", optional=True)
    error = STATUSES.error_of(replace(response(status), request=request))
    assert isinstance(error, PermanentError)
    assert (error.status, error.fatal_for_account) == (status, False)
    assert error.cause.startswith(OPTIONAL_MEANINGS[status].cause.partition("{api}")[0])
    assert "eselect the stream" in error.advice


@pytest.mark.parametrize("status", [401, 429, 500])
def test_other_statuses_mean_the_same_for_an_optional_list(status: int) -> None:
    assert meaning_of(status, optional=True) is meaning_of(status)


def test_a_block_is_a_block_for_an_optional_list_too() -> None:
    assert meaning_of(403, html=True, optional=True) is errors.BLOCKED


@pytest.mark.parametrize("status", [405, 410, 418, 451])
def test_every_other_status_has_a_message_too(status: int) -> None:
    assert meaning_of(status) is errors.UNKNOWN
    assert str(STATUSES.error_for(status)).startswith("the API returned a status ")


@pytest.mark.parametrize("status", [300, 301, 304, 399])
def test_a_redirect_that_is_not_followed_says_so(status: int) -> None:
    assert meaning_of(status) is errors.REDIRECT
    error = STATUSES.error_for(status)
    assert isinstance(error, PermanentError)
    assert not error.fatal_for_account
    assert str(error).startswith(
        f"the API redirects in a loop, or a request that must not be redirected (HTTP {status})"
    )


def test_a_403_page_in_html_is_a_block_of_the_account() -> None:
    assert meaning_of(403, html=True) is errors.BLOCKED
    assert errors.BLOCKED.fatal_for_account
    assert meaning_of(403) is errors.MEANINGS[403]
    page = response(403, b"<html>", Content_Type="text/html; charset=utf-8")
    assert str(STATUSES.error_of(page)).startswith("the API blocks this IP address")


def test_messages_name_the_settings_to_check() -> None:
    assert "the API rejected `crm.api_key` (HTTP 401). " in str(STATUSES.error_for(401))
    assert str(STATUSES.error_for(404)).endswith("Check `crm.api_url` [http-404]")


@pytest.mark.parametrize("status", [408, 504])
def test_an_answer_that_took_too_long_is_marked_as_such(status: int) -> None:
    error = STATUSES.error_for(status)
    assert isinstance(error, TransientError)
    assert error.is_too_slow


def test_only_a_timeout_marks_a_missing_answer_as_too_slow() -> None:
    assert NoResponseError("", timed_out=True).is_too_slow
    assert not NoResponseError("").is_too_slow
    assert not TransientError("", status=503).is_too_slow


def test_error_codes_and_request_ids_are_in_the_message_and_nothing_else_of_the_body() -> None:
    body = b'{"code": "rate.limited", "request": "not an id: ann@example.com", "detail": "ann"}'
    header = "01234567-89ab-cdef-0123-456789abcdef"
    error = STATUSES.error_of(response(503, body, X_Request_Id=header, Retry_After="30"))
    assert isinstance(error, TransientError)
    assert uncoded(str(error)) == (
        f"the API reported a server error (HTTP 503) (rate.limited) (request {header}); "
        "Retry-After: 30 s. If this persists, run the sync again later"
    )
    assert error.retry_after == 30.0


def test_a_body_says_when_to_retry_and_has_codes_inside_a_success_too() -> None:
    body = {"code": "busy", "request": None, "retry_after": 12}
    error = STATUSES.error_of(response(503, json.dumps(body).encode()))
    assert isinstance(error, TransientError)
    assert error.retry_after == 12.0
    assert "(HTTP 404) (busy). " in str(STATUSES.error_for(404, body))


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"[[" * 50_000, b"\xff"])
def test_a_body_without_codes_does_not_matter(body: bytes) -> None:
    error = STATUSES.error_of(response(404, body))
    assert (
        uncoded(str(error))
        == "the API found no such account or endpoint (HTTP 404). Check `crm.api_url`"
    )


@pytest.mark.parametrize(
    "value", ["", "ann@example.com", "+49 30 1234", "a" * 81, "1abc", 5, None, "a b", "a\nb"]
)
def test_only_codes_are_fit_for_a_message(value: object) -> None:
    assert codes(value, "invalid_token") == " (invalid_token)"
    assert codes(value) == ""
    assert codes("one", value, "two") == " (one, two)"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("0123456789ABCDEF0123456789abcdef", True),
        ("01234567-89ab-cdef-0123-456789abcdef", True),
        ("01234567-89abcdef-0123-456789abcdef", False),
        ("ann@example.com", False),
        ("", False),
    ],
)
def test_only_uuids_are_request_ids(value: str, *, shown: bool) -> None:
    assert bool(request_id(value)) is shown


def test_the_errors_of_a_lost_account_say_so() -> None:
    for error in (CredentialError("x"), AccountClosedError("x")):
        assert isinstance(error, LeadsError)
        assert error.fatal_for_account
    assert not PermanentError("x").fatal_for_account
    assert CredentialError("x").status == HTTPStatus.UNAUTHORIZED


def test_an_account_that_is_not_there_is_named_with_its_host_and_closed() -> None:
    errors_of_crm = StatusErrors(replace(WORDING, api="CRM"), list)
    error = errors_of_crm.no_account("https://acme.crm.test/api?key=secret")
    assert isinstance(error, PermanentError)
    assert error.fatal_for_account
    assert str(error) == (
        "there is no CRM account at acme.crm.test:443 (HTTP 404). Check `crm.api_url` [http-404]"
    )
