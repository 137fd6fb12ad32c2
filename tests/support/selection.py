"""Catalogs as the tap discovers them, with some columns selected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_leads.tap import TapLeads
from tests.support.settings import CREDENTIALS

if TYPE_CHECKING:
    from tests.support.run import Run
    from tests.support.settings import Config


Catalog = dict[str, Any]


def catalog_for(config: Config) -> Catalog:
    """What the tap discovers of leads: a stream that a catalog does not name is not read."""
    catalog: Catalog = TapLeads(config=config).catalog_dict
    leads = {f"{slot}_leads" for slot in CREDENTIALS}
    return {"streams": [each for each in catalog["streams"] if each["tap_stream_id"] in leads]}


def chosen(
    config: Config, *columns: str, selected: bool = False, stream: str | None = None
) -> Catalog:
    """The catalog with these columns selected or not; with the stream itself for none."""
    catalog = catalog_for(config)
    for entry in catalog["streams"]:
        if stream in {None, entry["tap_stream_id"]}:
            for metadata in entry["metadata"]:
                name = metadata["breadcrumb"][-1] if metadata["breadcrumb"] else ""
                if name in columns or (not name and not columns):
                    metadata["metadata"]["selected"] = selected
    return catalog


def only(config: Config, *columns: str) -> Catalog:
    """The catalog with these columns and no others."""
    (entry,) = catalog_for(config)["streams"]
    others = entry["schema"]["properties"].keys() - set(columns)
    return chosen(config, *others)


def columns_of(run: Run, stream: str) -> list[str]:
    """The columns of a stream's schema, which are those of its records."""
    columns = list(run.schemas[stream]["schema"]["properties"])
    assert {tuple(record) for record in run.records(stream)} == {tuple(columns)}
    return columns
