"""Reference data of leads: pipelines, stages, loss reasons, tags, sources and lists."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from typing_extensions import override

from sandbox.kommo.leads import (
    ACCOUNT_ID,
    FIRST_REASON,
    FIRST_TAG,
    LOST,
    PIPELINES,
    REASONS,
    SOURCES,
    TAGS,
    USERS,
    WON,
)
from sandbox.kommo.query import either, members
from sandbox.kommo.resource import Resource
from sandbox.kommo.table import Context, Row, RowFactory, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.kommo.query import Test

ARCHIVED = 9_114_406
INCOMING = frozenset(stages[0] for stages in PIPELINES.values())
"""The first stages of pipelines, where incoming leads wait for acceptance."""
PRODUCTS, BRANDS = 1057, 1001
TAGGED = ("leads", "contacts", "companies")
_BEGAN = 1_712_141_714
_COLORS = ("#99ccff", "#ffff99", "#ffcc66", "#ffcccc", "#ccc8f9")
_PIPELINES = (
    # ID, name, stages, archived
    (12215168, "Pipeline", PIPELINES[12215168], False),
    (12480022, "Wiederkäufe & 紹介 🔁", PIPELINES[12480022], False),
    (ARCHIVED, "Архив 2019", (76_100_203, 76_100_207), True),
)
_STAGES = ("Incoming leads", "Initial contact", "Besichtigung ✅", "Negotiation")
_ELEMENTS = ("Seat, monthly", "Seat, yearly", "Onboarding", "Ausbildung", "Support ☎️", "Audit",
             "Migration", "API")  # fmt: skip
_BRAND_NAMES = ("Nimbus", "Ёлка", "Zürich", "Delta")

PIPELINE = Resource(key="pipelines", order="sort", totals=True, paged=False)
STAGE = Resource(
    key="statuses",
    order="sort",
    totals=True,
    paged=False,
    needs={"descriptions": frozenset({"descriptions"})},
)
REASON = Resource(key="loss_reasons", totals=True, paged=False)
SOURCE = Resource(
    key="sources", totals=True, paged=False, filters={"external_id": either}, linked=False
)


def _naming(query: str) -> Test:
    words = query.casefold()
    return lambda row: words in str(row["name"]).casefold()


BUTTON = Resource(
    key="website_buttons",
    admin=True,
    linked=False,
    order="source_id",
    needs={"scripts": frozenset({"script"})},
)
TAG = Resource(key="tags", filters={"id": members, "name": either}, search=_naming, linked=False)
CATALOG = Resource(key="catalogs")
_NEEDS = {name: frozenset({name}) for name in ("invoice_link", "supplier_field_values")}
ELEMENT = Resource(key="elements", filters={"id": members}, search=_naming, needs=_NEEDS)


class Pipelines(Table):
    """Pipelines with their embedded stages."""

    stages: Table

    @override
    def embedded(self, row: Row, with_: frozenset[str], base: str) -> Row:
        own = [s for s in self.stages.store.rows.values() if s["pipeline_id"] == row["id"]]
        own.sort(key=lambda stage: (stage["sort"], stage["id"]))
        return {"statuses": [self.stages.shown(stage, with_, base) for stage in own]}


def tables(context: Context) -> dict[str, Table]:
    """Return the tables by path."""
    pipelines = Pipelines(
        context,
        PIPELINE,
        "leads/pipelines",
        RowFactory(make=_pipeline, fill=_pipelines, first_id=13_000_001),
    )
    pipelines.stages = Table(
        context,
        STAGE,
        "leads/pipelines/{pipeline_id}/statuses",
        RowFactory(
            make=lambda number, row_id, _at: _stage(12215168, row_id, number, f"Stage {number}"),
            fill=_stages,
            first_id=98_000_001,
            identify=lambda stage: (stage["pipeline_id"], stage["id"]),
        ),
    )
    reasons = RowFactory(make=_reason, fill=_reasons, first_id=FIRST_REASON + 1001)
    sources = RowFactory(make=_source, fill=_own_sources, first_id=17_700_001)
    catalogs = RowFactory(make=_catalog, fill=_catalogs, first_id=2001)
    elements = RowFactory(make=_element, fill=_elements, first_id=900_001)
    buttons = RowFactory(
        make=_button, fill=_buttons, first_id=17_800_001, identify=itemgetter("source_id")
    )
    tags = RowFactory(make=_tag, fill=_tags, first_id=FIRST_TAG + 1001)
    every: list[Table] = [
        pipelines,
        pipelines.stages,
        Table(context, REASON, "leads/loss_reasons", reasons),
        Table(context, SOURCE, "sources", sources),
        Table(context, BUTTON, "website_buttons", buttons),
        Table(context, CATALOG, "catalogs", catalogs),
        Table(context, ELEMENT, "catalogs/{catalog_id}/elements", elements),
        *(Table(context, TAG, f"{entity}/tags", tags) for entity in TAGGED),
    ]
    names = {"leads/pipelines/{pipeline_id}/statuses": "statuses"}
    names["catalogs/{catalog_id}/elements"] = "elements"
    return {names.get(table.path, table.path): table for table in every}


def _pipeline(number: int, row_id: int, _at: int) -> Row:
    return {
        "id": row_id,
        "name": f"Pipeline {number}",
        "sort": 10 + number,
        "is_main": False,
        "is_unsorted_on": True,
        "is_archive": False,
        "account_id": ACCOUNT_ID,
    }


def _pipelines() -> Iterator[Row]:
    for place, (row_id, name, _, archived) in enumerate(_PIPELINES, 1):
        known = {"name": name, "sort": place, "is_main": place == 1, "is_archive": archived}
        yield {**_pipeline(place, row_id, 0), **known, "is_unsorted_on": not archived}


def _stage(pipeline_id: int, row_id: int, place: int, name: str) -> Row:
    return {
        "id": row_id,
        "name": name,
        "sort": 10 + place * 10,
        "is_editable": True,
        "pipeline_id": pipeline_id,
        "color": _COLORS[place % len(_COLORS)],
        "type": 0,
        "account_id": ACCOUNT_ID,
        "descriptions": [],
    }


def _stages() -> Iterator[Row]:
    for pipeline_id, _, stages, _ in _PIPELINES:
        for place, stage_id in enumerate(stages):
            stage = _stage(pipeline_id, stage_id, place, _STAGES[place])
            if place == 0:
                stage |= {"type": 1, "is_editable": False, "color": "#c1c1c1"}
            yield stage
        system = (
            (WON, "Closed - won", 10_000, "#CCFF66"),
            (LOST, "Closed - lost", 11_000, "#D5D8DB"),
        )
        for stage_id, name, sort, color in system:
            stage = _stage(pipeline_id, stage_id, 0, name)
            yield stage | {"sort": sort, "is_editable": False, "color": color}


def _reason(number: int, row_id: int, at: int) -> Row:
    name = f"Reason {number}"
    return {"id": row_id, "name": name, "sort": number * 100, "created_at": at, "updated_at": at}


def _reasons() -> Iterator[Row]:
    for number, name in enumerate(REASONS):
        row = _reason(number, FIRST_REASON + number, _BEGAN)
        yield {**row, "name": name, "updated_at": 1_712_142_518}


def _tag(number: int, row_id: int, _at: int) -> Row:
    return {"id": row_id, "name": f"Tag {number}", "color": None if number % 2 else "F2DDF7"}


def _tags() -> Iterator[Row]:
    for number, name in enumerate(TAGS):
        yield {**_tag(number, FIRST_TAG + number, 0), "name": name}


def _source(number: int, row_id: int, _at: int) -> Row:
    return {
        "id": row_id,
        "name": f"Source {number}",
        "pipeline_id": 12215168,
        "external_id": f"source-{row_id}",
        "services": [],
        "default": False,
        "origin_code": None,
    }


def _own_sources() -> Iterator[Row]:
    """Return the sources of the integration: one of the sources of leads."""
    row_id, name = SOURCES[0]
    own = {"name": name, "external_id": "kchat01", "origin_code": "kommo.ext.30470678"}
    yield {**_source(0, row_id, 0), **own}


def _button(number: int, row_id: int, _at: int) -> Row:
    return {
        "account_id": ACCOUNT_ID,
        "source_id": row_id,
        "button_id": 90_000 + number,
        "is_duplication_control_enabled": number % 2 == 0,
        "name": f"Button {number}",
        "creation_status": "created",
        "pipeline_id": 12215168,
        "script": f"<script>/* {row_id} */</script>",
    }


def _buttons() -> Iterator[Row]:
    yield {**_button(0, 17_790_001, 0), "name": "Сайт 💬"}
    pending = {"button_id": None, "creation_status": "creation_pending", "pipeline_id": None}
    yield {**_button(1, 17_790_003, 0), **pending, "script": None}


def _catalog(number: int, row_id: int, at: int) -> Row:
    return {
        "id": row_id,
        "name": f"List {number}",
        "created_by": USERS[0],
        "updated_by": USERS[0],
        "created_at": at,
        "updated_at": at,
        "sort": number,
        "type": "regular",
        "can_add_elements": True,
        "can_show_in_cards": False,
        "can_link_multiple": True,
        "can_be_deleted": True,
        "sdk_widget_code": None,
        "account_id": ACCOUNT_ID,
    }


def _catalogs() -> Iterator[Row]:
    for number, (row_id, name, kind) in enumerate(
        ((BRANDS, "Marken", "regular"), (PRODUCTS, "Products", "products"))
    ):
        row = _catalog(number, row_id, _BEGAN)
        yield {**row, "name": name, "type": kind, "can_be_deleted": kind == "regular"}


def _element(number: int, row_id: int, at: int) -> Row:
    return {
        "id": row_id,
        "catalog_id": PRODUCTS,
        "name": f"Element {number}",
        "created_by": USERS[0],
        "updated_by": 0,
        "created_at": at,
        "updated_at": at,
        "is_deleted": False,
        "currency_id": None,
        "custom_fields_values": None,
        "invoice_link": None,
        "supplier_field_values": None,
        "account_id": ACCOUNT_ID,
    }


def _elements() -> Iterator[Row]:
    for number, name in enumerate(_ELEMENTS):
        row = _element(number, 525439 + number, _BEGAN)
        price = {"field_id": 1_930_006, "field_name": "Price", "field_code": "PRICE",
                 "field_type": "price", "values": [{"value": "49.90"}]}  # fmt: skip
        row |= {"name": name, "custom_fields_values": [price] if number % 3 else []}
        if number % 4 == 1:  # as an invoice would have them
            row["invoice_link"] = f"https://example.com/invoices/{row['id']}"
            row["supplier_field_values"] = [{"entity_id": 1, "name": "Example Supplier"}]
        yield row
    for number, name in enumerate(_BRAND_NAMES):
        yield {**_element(number, 12235 + number, _BEGAN), "catalog_id": BRANDS, "name": name}
