"""Encodes Kommo's leads: https://developers.kommo.com/reference/leads-list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from sandbox.kommo import leads as kommo_leads

if TYPE_CHECKING:
    from sandbox.core.store import Lead
    from sandbox.kommo.options import KommoOptions

_ALWAYS = frozenset({"id", "updated_by", "updated_at", "account_id"})


def parts(lead: Lead, with_: frozenset[str], base: str, options: KommoOptions) -> tuple[Lead, Lead]:
    """Return the fields and the `_embedded` of a lead for these values of `with`."""
    left_out = {"_embedded"} | ({"source_id", "is_price_modified_by_robot"} - with_)
    if not options.minor_units:
        left_out.add("price_with_minor_units")
    fields = {name: value for name, value in lead.items() if name not in left_out}
    stored = lead["_embedded"]
    root = f"{base}/api/v4"
    embedded = {
        "tags": stored["tags"],
        "companies": [_linked(f"{root}/companies", number) for number in stored["companies"]],
    }
    if "contacts" in with_:
        embedded["contacts"] = [
            {"id": number, "is_main": place == 0, **_linked(f"{root}/contacts", number)}
            for place, number in enumerate(stored["contacts"])
        ]
    if "loss_reason" in with_:
        number = stored["loss_reason"]
        reasons = [] if number is None else [kommo_leads.loss_reason(number, base)]
        as_object = options.loss_reason == "object"
        embedded["loss_reason"] = next(iter(reasons), None) if as_object else reasons
    if "catalog_elements" in with_:
        embedded["catalog_elements"] = [
            _element(element, options.quantity) for element in stored["catalog_elements"]
        ]
    if "source" in with_ and options.with_source:
        embedded["source"] = stored["source"]
    return fields, embedded


def encode(
    lead: Lead, with_: frozenset[str], base: str, options: KommoOptions
) -> tuple[bytes, bytes]:
    """Return a lead as JSON, split where the query of its `self` link goes."""
    link = f',"_links":{{"self":{{"href":"{base}/api/v4/leads/{lead["id"]}'.encode()
    if lead["is_deleted"]:
        bare = {name: lead[name] if name in _ALWAYS else None for name in lead}
        bare["is_deleted"] = True
        for name in ("price_with_minor_units", "source_id", "is_price_modified_by_robot",
                     "is_price_computed", "labor_cost", "_embedded"):  # fmt: skip
            del bare[name]
        return msgspec.json.encode(bare)[:-1] + link, b'"}}}'
    fields, embedded = parts(lead, with_, base, options)
    tail = b'"}},"_embedded":' + msgspec.json.encode(embedded) + b"}"
    return msgspec.json.encode(fields)[:-1] + link, tail


def kind(options: KommoOptions) -> tuple[Any, ...]:
    """Return the options that the encoding of a lead depends on."""
    return options.with_source, options.minor_units, options.loss_reason, options.quantity


def links(lead: Lead) -> list[dict[str, Any]]:
    """Return the links of a lead as `/leads/{id}/links` does."""
    about, stored = {"entity_id": lead["id"], "entity_type": "leads"}, lead["_embedded"]
    found = [
        {**about, "to_entity_id": number, "to_entity_type": "contacts",
         "metadata": {"main_contact": place == 0}}
        for place, number in enumerate(stored["contacts"])
    ]  # fmt: skip
    found += [
        {**about, "to_entity_id": number, "to_entity_type": "companies", "metadata": None}
        for number in stored["companies"]
    ]
    return found + [
        {**about, "to_entity_id": element["id"], "to_entity_type": "catalog_elements",
         "metadata": {name: element[name] for name in ("quantity", "catalog_id", "price_id")}}
        for element in stored["catalog_elements"]
    ]  # fmt: skip


def _linked(path: str, number: int) -> dict[str, Any]:
    return {"id": number, "_links": {"self": {"href": f"{path}/{number}"}}}


def _element(element: dict[str, Any], quantity: str) -> dict[str, Any]:
    metadata = {name: element[name] for name in ("quantity", "catalog_id", "price_id")}
    if quantity == "metadata":
        return {"id": element["id"], "metadata": metadata}
    return {"id": element["id"], "quantity": metadata.pop("quantity"), "metadata": metadata}
