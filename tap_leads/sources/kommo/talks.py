"""Kommo's conversations.

https://developers.kommo.com/reference/get-talks
"""

from __future__ import annotations

from operator import itemgetter

from tap_leads.records.columns import Column
from tap_leads.records.convert import BOOLEAN, INTEGER, POSITIVE, TEXT, UNIX_TIME
from tap_leads.sources.base import StreamSpec
from tap_leads.sources.kommo.api import FULL_LIST, UPDATED_AT
from tap_leads.sources.kommo.columns import ACCOUNT_ID, LINKS, times_of

# No filter by date and no order is known, so the list is read to its end (apis/kommo.md 55).
TALKS = StreamSpec(
    name="kommo_talks",
    path="/talks",
    primary_key=("account", "talk_id"),
    identity=itemgetter("talk_id"),
    traits=FULL_LIST,
    edited_at=UPDATED_AT,
    optional=True,
    columns=(
        Column("talk_id", INTEGER, "ID of the conversation."),
        *times_of("conversation"),
        Column("contact_id", POSITIVE, "ID of the contact whom the conversation is with."),
        Column("entity_id", POSITIVE, "ID of the lead that the conversation is about, if any."),
        Column("entity_type", TEXT, "Type of that record: lead, or customer in amoCRM."),
        Column("chat_id", TEXT, "ID of the chat in the Chats API."),
        Column(
            "origin",
            TEXT,
            "Channel of the conversation, such as waba, instagram_business or telegram.",
        ),
        Column("source_id", POSITIVE, "ID of the source that the conversation came from."),
        Column(
            "status",
            TEXT,
            "Status of the conversation: in_work, closed, nps_scheduled, nps_in_progress or "
            "with_error.",
        ),
        Column("is_in_work", BOOLEAN, "True until the conversation is closed."),
        Column("is_read", BOOLEAN, "True if the conversation has been read."),
        Column(
            "missed_at", UNIX_TIME, "When the time to answer, as set in the account, had passed."
        ),
        Column("rate", INTEGER, "Rating that the contact gave the conversation (NPS)."),
        ACCOUNT_ID,
        Column("contacts", LINKS, "The contact as a list.", "_embedded.contacts"),
        Column("leads", LINKS, "The lead as a list, empty if there is none.", "_embedded.leads"),
    ),
)
