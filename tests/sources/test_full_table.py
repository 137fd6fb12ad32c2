"""Changes that do not change the replication key are read by a full-table sync."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_leads.tap import TapLeads
from tests.support.run import read, sync
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from sandbox import Sandbox


@pytest.mark.parametrize("source", ["kommo", "dashly", "octanist"])
def test_a_change_that_moves_no_date_comes_when_everything_is_read(
    box: Sandbox, source: str
) -> None:
    api, stream = box.apis[source], f"{source}_leads"
    first = read(api)
    config = {source: settings_for(api)}
    fields: dict[str, Any] = {"$name" if source == "dashly" else "name": "Renamed"}
    oldest = next(lead_id for lead_id in api.leads if str(lead_id) == first.ids(stream)[0])
    (changed,) = api.edit([oldest], touch=False, **fields)
    assert str(changed) not in read(api, state=first.state).ids(stream)
    found: list[dict[str, Any]] = TapLeads(config=config).catalog_dict["streams"]
    (leads,) = (each for each in found if each["tap_stream_id"] == stream)
    catalog = {"streams": [leads | {"replication_method": "FULL_TABLE"}]}
    names = {
        str(r["id"]): r["name"] for r in sync(config, first.state, catalog=catalog).records(stream)
    }
    assert names[str(changed)] == "Renamed"
