"""New tokens on trial: which answers count for them."""

from __future__ import annotations

from tap_leads.rest.auth.trial import MAX_FAILED_RENEWALS, TokenTrial


def rejected(trial: TokenTrial, token: str) -> bool:
    """Put a token on trial of which one request is rejected while another is under way."""
    trial.start(token)
    trial.begin(token)
    return trial.count_rejection(token)


def test_an_accepted_token_ends_the_count_of_failed_renewals() -> None:
    trial = TokenTrial()
    failed = [rejected(trial, f"a{number}") for number in range(MAX_FAILED_RENEWALS - 1)]
    trial.end("a1", accepted=True)
    failed += [rejected(trial, f"b{number}") for number in range(MAX_FAILED_RENEWALS)]
    assert failed == [False] * (2 * MAX_FAILED_RENEWALS - 2) + [True]


def test_a_request_with_an_older_token_does_not_end_the_trial() -> None:
    trial = TokenTrial()
    trial.start("old")
    trial.start("new")
    trial.end("old", accepted=True)
    assert trial.token == "new"
    trial.end("new", accepted=True)
    assert trial.token == ""
