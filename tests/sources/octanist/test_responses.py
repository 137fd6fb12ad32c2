"""Responses of Octanist that are not a page of leads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox import faults
from tests.support.logs import errors
from tests.support.run import sync
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from sandbox import Sandbox


@pytest.mark.parametrize("shape", ["object", "text"])
@pytest.mark.parametrize("status", [400, 403])
def test_an_error_of_either_form_is_told_by_its_code_and_never_by_its_text(
    box: Sandbox, shape: Any, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    box.octanist.options.error_shape = shape
    box.octanist.faults.plan(faults.status(status))
    assert sync({"octanist": settings_for(box.octanist)}).code == 1
    (line,) = errors(caplog)
    code = {400: "VALIDATION_ERROR", 403: "FORBIDDEN"}[status]
    text = {400: "Invalid parameters", 403: "Access denied"}[status]
    assert f" (HTTP {status})" in line
    assert (f"({code}, req_" in line) is (shape == "object")
    assert text not in caplog.text


@pytest.mark.usefixtures("no_waits")
def test_a_list_without_paging_is_not_taken_for_a_page(
    box: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    box.octanist.options.bare_array = True
    run = sync({"octanist": settings_for(box.octanist)})
    assert run.code == 1
    assert run.records("octanist_leads") == []
    (line,) = errors(caplog)
    assert "the response has an unexpected format" in line
