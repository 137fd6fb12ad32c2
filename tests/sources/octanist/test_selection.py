"""What is deselected is not requested from Octanist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.run import sync
from tests.support.selection import columns_of, only
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from sandbox import Sandbox


def test_octanist_is_asked_for_the_selected_fields_alone(box: Sandbox) -> None:
    config = {"octanist": settings_for(box.octanist)}
    sync(config)
    assert not any("fields" in request.query for request in box.octanist.journal)
    box.octanist.journal.clear()
    run = sync(config, catalog=only(config, "email", "loss_reason"))
    asked = {request.query["fields"][0] for request in box.octanist.journal}
    assert {frozenset(fields.split(",")) for fields in asked} == {
        frozenset({"id", "updatedAt", "email", "lossReason"})
    }
    assert len(run.records("octanist_leads")) == box.octanist.count
    assert columns_of(run, "octanist_leads") == [
        "account",
        "id",
        "email",
        "loss_reason",
        "updated_at",
    ]
