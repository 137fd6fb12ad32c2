"""What is deselected or hashed is raw nowhere in a row: not in its column, a bag, or `extra`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tap_leads.records.builder import RecordBuilder
from tap_leads.records.columns import (
    OWN_FIELDS,
    UNRELATED,
    Column,
    Members,
    Nested,
    Texts,
    build_schema,
)
from tap_leads.records.convert import BOOLEAN, EMAIL, INTEGER, JSON, NUMBER, PHONE, TEXT, Type
from tap_leads.records.privacy import Redactor, hashed_columns
from tests.support.hashing import KEY, sha

SECRET = "ann@example.com"
FORMS = [True, False]


def bag(members: Members, *, many: bool = False) -> Nested:
    return Nested({}, many=many, rest=TEXT, members=members)


PEOPLE = (
    Column("id", INTEGER, "ID."),
    Column("email", EMAIL, "Email.", "$email"),
    Column("phone", PHONE, "Phone.", "$phone"),
    Column("name", TEXT, "Name.", "$name"),
    Column("price", NUMBER, "Price."),
    Column("is_admin", BOOLEAN, "Rights.", "rights.is_admin"),
    Column("phones", Texts(), "All phones.", repeats="phone"),
    Column("phone_id", INTEGER, "ID of the phone.", repeats="phone"),
    Column("props", bag(OWN_FIELDS), "Properties."),
    Column("rights", bag(UNRELATED), "Rights."),
)


def built(
    fields: dict[str, Any],
    *others: Column,
    native: bool = True,
    hidden: tuple[str, ...] = (),
    hashed: tuple[str, ...] = (),
) -> dict[str, Any]:
    columns = (*PEOPLE, *others)
    redactor = Redactor(columns, hidden=hidden, hashed=hashed, key=KEY)
    return RecordBuilder(columns, redactor, native=native)("acme", fields)


def test_spellings_of_one_person_share_a_hash() -> None:
    row = built(
        {"$email": " Ann@Example.COM ", "$phone": "+1 (555) 010-20-30", "$name": "Ann "},
        hashed=("email", "phone", "name"),
    )
    assert row["email"] == sha(SECRET)
    assert row["phone"] == sha("15550102030")
    assert row["name"] == sha("Ann")


def test_another_key_gives_another_hash() -> None:
    redactor = Redactor(PEOPLE, hashed=("email",), key="another")
    assert redactor.redact("email", SECRET) == sha(SECRET, "another")


@pytest.mark.parametrize("value", [None, "", "  ", "n/a"])
def test_a_text_that_is_empty_once_it_is_normalized_has_no_hash(value: Any) -> None:
    assert built({"$phone": value}, hashed=("phone",))["phone"] is None


@pytest.mark.parametrize("value", [{"mail": SECRET}, [SECRET], "much", float("nan"), 10**30])
def test_a_hashed_value_that_does_not_fit_is_not_in_extra(value: Any) -> None:
    row = built({"price": value}, hashed=("price",))
    assert len(row["price"]) == 64
    assert row["extra"] is None


def test_a_hashed_column_is_a_text_in_the_schema() -> None:
    properties = build_schema(PEOPLE, ("id",), native=True, hashed=("price", "props"))["properties"]
    assert properties["price"]["type"] == properties["props"]["type"] == ["null", "string"]
    assert "additionalProperties" not in properties["props"]


def test_hash_fields_name_a_column_of_every_stream_or_of_one() -> None:
    names = ["email", "kommo_contacts.phone", "dashly_leads.name"]
    assert hashed_columns("kommo_contacts", names) == {"email", "phone"}
    assert hashed_columns("dashly_leads", names) == {"email", "name"}


# Bags


def only_mail(value: Any, redactor: Redactor) -> Any:
    """A bag with members of its own kind: a list of pairs."""
    return [[name, redactor.redact("email", mail)] for name, mail in value]


NEW_BAGS = [
    (bag(OWN_FIELDS), {"$email": SECRET, "other": 1}),
    (bag(OWN_FIELDS, many=True), [{"$email": SECRET}, {"other": 1}]),
    (bag(OWN_FIELDS, many=True), {"$email": SECRET}),
    (bag(OWN_FIELDS), {"deep": [{"er": {"$email": SECRET}}]}),
    (bag(OWN_FIELDS), {"$em\x00ail": SECRET}),
    (bag(OWN_FIELDS), [[{"$email": SECRET}]]),
    (Nested({"inner": bag(OWN_FIELDS)}), [{"inner": {"$email": SECRET}, "other": SECRET[:3]}]),
    (Nested({"id": INTEGER}, members=OWN_FIELDS), [{"id": 1, "$email": SECRET}]),
    (Nested({"$email": TEXT}, many=False, members=OWN_FIELDS), {"$email": SECRET}),
    (Type(TEXT.schema, JSON.convert, members=only_mail), [["work", SECRET]]),
    (bag(only_mail), [["work", SECRET]]),
]


@pytest.mark.parametrize("native", FORMS)
@pytest.mark.parametrize("how", ["hidden", "hashed"])
@pytest.mark.parametrize(("kind", "value"), NEW_BAGS)
def test_a_bag_that_nobody_has_thought_of_gives_nothing_away(
    kind: Nested | Type, value: Any, how: str, native: bool
) -> None:
    """A column that is declared here is governed although its declaration names no secret."""
    new = Column("attributes", kind, "A bag of a source to come.", "customAttributes")
    fields = {"customAttributes": value, "$email": SECRET}
    plain = built(fields, new, native=native)
    assert SECRET in json.dumps([plain["attributes"], plain["extra"]], default=str)
    secret: dict[str, Any] = {how: ("email",)}
    row = built(fields, new, native=native, **secret)
    assert SECRET not in json.dumps(row, default=str)
    told = json.dumps([row["attributes"], row["extra"]], default=str)
    assert (sha(SECRET) in told) is (how == "hashed")


def test_an_open_bag_cannot_be_declared_without_saying_what_its_members_are() -> None:
    with pytest.raises(TypeError, match="members"):
        Column("attributes", Nested({}, rest=TEXT), "A bag.")


def test_what_else_is_in_a_bag_is_kept() -> None:
    row = built({"props": {"$email": SECRET, "$phone": "1", "n": 1}}, hidden=("email",))
    assert row["props"] == {"$phone": "1", "n": "1"}
    row = built({"props": {"$email": SECRET, "n": None}}, hashed=("email",))
    assert row["props"] == {"$email": sha(SECRET), "n": None}


def test_keys_of_an_unrelated_bag_are_no_columns() -> None:
    bags = Column("statuses", bag(UNRELATED, many=True), "Stages.")
    row = built({"statuses": [{"$name": "won"}]}, bags, hidden=("name",))
    assert row["statuses"] == [{"$name": "won"}]


def test_other_keys_of_an_unrelated_bag_are_no_columns_where_a_column_governs_one() -> None:
    row = built({"rights": {"is_admin": "A", "$name": "won"}}, hidden=("is_admin", "name"))
    assert row["rights"] == {"$name": "won"}


@pytest.mark.parametrize("native", FORMS)
def test_a_column_with_a_field_of_a_bag_governs_it_there(native: bool) -> None:
    fields = {"rights": {"is_admin": True, "leads": {"is_admin": "A"}}, "rights.is_admin": True}
    row = built(fields, hidden=("is_admin",), native=native)
    rights = row["rights"] if native else json.loads(row["rights"])
    assert rights.keys() == {"leads"}
    assert "is_admin" not in row
    row = built(fields, hashed=("is_admin",), native=native)
    rights = row["rights"] if native else json.loads(row["rights"])
    assert rights["is_admin"] == row["is_admin"] == sha("true")


# Columns that repeat another one


def test_a_repeated_column_has_the_hash_of_each_item() -> None:
    fields = {"$phone": "+1", "phones": ["+1", "2", None, ""], "phone_id": 7}
    row = built(fields, hashed=("phone",))
    assert row["phones"] == [sha("1"), sha("2")]
    assert row["phone"] == sha("1")
    assert row["phone_id"] is row["extra"] is None


def test_a_text_that_repeats_a_hashed_column_has_its_hash() -> None:
    other = Column("mobile", TEXT, "Mobile phone.", repeats="phone")
    assert built({"mobile": "+1"}, other, hashed=("phone",))["mobile"] == sha("1")


def test_a_bag_that_repeats_a_hashed_column_has_the_hash_inside() -> None:
    kind = Type(TEXT.schema, JSON.convert, members=only_mail)
    other = Column("mails", kind, "Emails.", repeats="email")
    row = built({"mails": [["work", SECRET]]}, other, hashed=("email",))
    assert json.loads(row["mails"]) == [["work", sha(SECRET)]]


@pytest.mark.parametrize("native", FORMS)
def test_a_repeated_column_is_null_where_the_other_one_is_hidden(native: bool) -> None:
    fields = {"$phone": "+1", "phones": ["+1", "2"], "phone_id": "odd"}
    row = built(fields, hidden=("phone",), native=native)
    assert "phone" not in row
    assert row["phones"] is row["phone_id"] is row["extra"] is None


def test_a_hash_does_not_depend_on_what_else_is_hashed() -> None:
    fields = {"phones": ["+1", "2"], "props": {"$email": SECRET}}
    alone = built(fields, hashed=("phones", "props"))
    both = built(fields, hashed=("phones", "props", "phone", "email"))
    assert (alone["phones"], alone["props"]) == (both["phones"], both["props"])
    assert alone["phones"] == sha('["+1","2"]')


# Extra


@pytest.mark.parametrize("how", ["hidden", "hashed"])
@pytest.mark.parametrize(
    "fields",
    [
        {"new": {"$email": SECRET}},
        {"$em\x00ail": SECRET},
        {"rights": [["is_admin"], SECRET[:2]], "new": [{"$email": SECRET}]},
        {"props": [[{"$email": SECRET}]]},
        {"gone": SECRET},
    ],
)
def test_extra_gives_nothing_away(fields: dict[str, Any], how: str) -> None:
    """`gone` is a column that the stream does not have any more."""
    assert SECRET in str(built(fields)["extra"])
    secret: dict[str, Any] = {how: ("email", "gone")}
    row = built(fields, **secret)
    assert SECRET not in json.dumps(row)
    assert (sha(SECRET) in json.dumps(row)) is (how == "hashed")


@pytest.mark.parametrize("many", [True, False])
def test_a_column_with_a_field_of_an_object_governs_it_in_extra_too(many: bool) -> None:
    columns = (Column("is_admin", TEXT, "Rights.", "rights.is_admin"),)
    rights = {"is_admin": SECRET, "other": 1}
    fields = {"rights": [rights] if many else rights}
    redactor = Redactor(columns, hidden=("is_admin",))
    row = RecordBuilder(columns, redactor, native=True)("acme", fields)
    assert SECRET not in row["extra"]


def test_what_is_undeclared_in_a_flattened_object_is_redacted_in_extra() -> None:
    kind = Nested({"id": INTEGER}, many=False, members=OWN_FIELDS)
    columns = (*PEOPLE, Column("owner", kind, "Owner."))
    redactor = Redactor(columns, hidden=("email",))
    build = RecordBuilder(columns, redactor, native=True, flatten=True)
    row = build("acme", {"owner": {"id": 1, "$email": SECRET, "new": 2}})
    assert row["owner"] == {"id": 1}
    assert row["extra"] == '{"owner":{"new":2}}'


def test_a_column_that_repeats_one_the_stream_lacks_is_hidden_with_it() -> None:
    columns = (Column("a", TEXT, "", repeats="gone"),)
    assert Redactor(columns, hidden=("gone",)).is_hidden("a")


def test_a_column_the_stream_lacks_is_redacted_as_a_text() -> None:
    redactor = Redactor(PEOPLE, hashed=("cf_1",), hidden=("cf_2",), key=KEY)
    assert redactor.redact("cf_1", " a ") == sha("a")
    assert redactor.redact("cf_2", "a") is None
    assert redactor.redact("cf_3", "a") == "a"
    assert (redactor.is_hashed("cf_1"), redactor.is_hidden("cf_2")) == (True, True)


def test_without_anything_to_hide_nothing_is_touched() -> None:
    redactor = Redactor(PEOPLE)
    value = {"$email": SECRET}
    assert not redactor.is_active
    assert redactor.redact("props", value) is value
    assert not any(redactor.concerns(column) for column in PEOPLE)


def test_columns_that_repeat_each_other_come_to_an_end() -> None:
    columns = (Column("a", TEXT, "", repeats="b"), Column("b", TEXT, "", repeats="a"))
    assert Redactor(columns, hidden=("b",)).is_hidden("a")
