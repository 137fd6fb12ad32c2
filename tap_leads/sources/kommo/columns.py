"""Columns and types that several of Kommo's streams have.

The functions take the kind of record, such as a `pipeline`, for the description of the column.
"""

from __future__ import annotations

from tap_leads.records.columns import Column, Nested
from tap_leads.records.convert import INTEGER, NUMBER, TEXT, UNIX_TIME
from tap_leads.sources.kommo.custom_values import CUSTOM_FIELDS

TAG_LIST = Nested({"id": INTEGER, "name": TEXT, "color": TEXT})
LINKS = Nested({"id": INTEGER})
CATALOG_ELEMENTS = Nested(
    {
        "id": INTEGER,
        "metadata": Nested(
            {"quantity": NUMBER, "catalog_id": INTEGER, "price_id": INTEGER}, many=False
        ),
    }
)

ACCOUNT_ID = Column("account_id", INTEGER, "ID of the account in Kommo.")
GROUP = Column("group_id", INTEGER, "ID of the responsible user's group; 0 is the default group.")


def id_of(noun: str) -> Column:
    """Return the column with the ID of a record."""
    return Column("id", INTEGER, f"ID of the {noun}.")


def name_of(noun: str) -> Column:
    """Return the column with the name of a record."""
    return Column("name", TEXT, f"Name of the {noun}.")


def color_of(noun: str) -> Column:
    """Return the column with the color of a record."""
    return Column("color", TEXT, f"Color of the {noun} in Kommo.")


def sort_of(noun: str) -> Column:
    """Return the column with the position of a record among others of its kind."""
    return Column("sort", INTEGER, f"Position of the {noun} in the order that Kommo shows.")


def times_of(noun: str) -> tuple[Column, ...]:
    """Return the columns with the dates of a record."""
    return (
        Column("created_at", UNIX_TIME, f"When the {noun} was created."),
        Column("updated_at", UNIX_TIME, f"When the {noun} was last modified."),
    )


def authorship_of(noun: str) -> tuple[Column, ...]:
    """Return the columns that state who created and modified a record, and when."""
    who = "ID of the user who"
    return (
        Column("created_by", INTEGER, f"{who} created the {noun}; 0 is a robot."),
        Column("updated_by", INTEGER, f"{who} last modified the {noun}; 0 is a robot."),
        *times_of(noun),
    )


def responsible_of(noun: str) -> Column:
    """Return the column with the user who is responsible for a record."""
    return Column("responsible_user_id", INTEGER, f"ID of the user responsible for the {noun}.")


def custom_fields_of(noun: str) -> Column:
    """Return the column with the custom fields of a record."""
    return Column(
        "custom_fields_values",
        CUSTOM_FIELDS,
        f"Custom fields of the {noun} that have a value, and their values.",
    )
