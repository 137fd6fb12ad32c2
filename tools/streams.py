"""The generated reference of the streams: their columns, and a diagram of their tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_leads.records.columns import Nested
from tap_leads.sources import SOURCES
from tools.reference import table

if TYPE_CHECKING:
    from tap_leads.records.columns import Column
    from tap_leads.sources.base import Source, StreamSpec

STREAMS = {stream.name: stream for source in SOURCES for stream in source.streams}
JOINS = (
    ("kommo_pipelines", "||--o{", "kommo_stages", "pipeline_id"),
    ("kommo_pipelines", "||--o{", "kommo_leads", "pipeline_id"),
    ("kommo_stages", "||--o{", "kommo_leads", "pipeline_id, status_id"),
    ("kommo_users", "|o--o{", "kommo_leads", "responsible_user_id"),
    ("kommo_loss_reasons", "|o--o{", "kommo_leads", "loss_reason_id"),
    ("kommo_contacts", "}o--o{", "kommo_leads", "contacts"),
    ("kommo_companies", "|o--o{", "kommo_leads", "companies"),
    ("kommo_companies", "|o--o{", "kommo_contacts", "companies"),
    ("kommo_leads", "|o--o{", "kommo_lead_stage_changes", "lead_id"),
    ("kommo_leads", "|o--o|", "kommo_deleted_leads", "id"),
    ("kommo_contacts", "|o--o|", "kommo_deleted_contacts", "id"),
    ("kommo_companies", "|o--o|", "kommo_deleted_companies", "id"),
    ("kommo_leads", "|o--o{", "kommo_tasks", "entity_id"),
    ("kommo_leads", "|o--o{", "kommo_lead_notes", "entity_id"),
    ("kommo_leads", "|o--o{", "kommo_lead_events", "entity_id"),
    ("kommo_leads", "|o--o{", "kommo_talks", "entity_id"),
    ("kommo_contacts", "|o--o{", "kommo_talks", "contact_id"),
    ("kommo_talks", "||--o{", "kommo_messages", "talk_id"),
    ("kommo_contacts", "|o--o{", "kommo_contact_notes", "entity_id"),
    ("kommo_companies", "|o--o{", "kommo_company_notes", "entity_id"),
    ("kommo_contacts", "|o--o{", "kommo_events", "entity_id"),
    ("kommo_contacts", "}o--o{", "kommo_customers", "contacts"),
    ("kommo_customer_statuses", "|o--o{", "kommo_customers", "status_id"),
    ("kommo_customer_segments", "}o--o{", "kommo_customers", "segments"),
    ("kommo_customers", "||--o{", "kommo_customer_transactions", "customer_id"),
    ("kommo_lists", "||--o{", "kommo_list_elements", "catalog_id"),
)
"""Tables that are joined, how many rows of each, and the columns of the second that refer to it."""


def stream_reference(source: Source) -> str:
    """Return the streams of a source with all of their columns."""
    return "\n".join(_stream(stream) for stream in source.streams)


def _stream(stream: StreamSpec) -> str:
    key = ", ".join(f"`{name}`" for name in stream.primary_key)
    cursor = stream.replication_key
    facts = [
        ["Primary key", key],
        ["Replication", f"incremental by `{cursor.column}`" if cursor else "full table"],
        ["Selected by default", "yes" if stream.selected_by_default else "no"],
        ["Endpoint", f"`{stream.method} {stream.path}`"],
    ]
    columns = table(["column", "type", "description", "API"], map(_column, stream.columns))
    return f"## {stream.name}\n\n{table(['', ''], facts)}\n{columns}"


def _column(column: Column) -> list[str]:
    api = f"`{column.api}`" if column.api else ""
    return [f"`{column.name}`", type_name(column), column.description, api]


def type_name(column: Column) -> str:
    """Return the type of a column in the words of the reference."""
    if isinstance(column.type, Nested):
        return "list" if column.type.many else "object"
    return column.type.name


def diagram() -> str:
    """Return the entity-relationship diagram of Kommo's tables, in Mermaid."""
    joins = "".join(f'  {one} {how} {other} : "{columns}"\n' for one, how, other, columns in JOINS)
    return f"```mermaid\nerDiagram\n{joins}```\n"
