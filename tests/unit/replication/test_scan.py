"""What one pass over a result set proves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tap_leads.replication.model import Page, Row
from tap_leads.replication.scan import Scan, note
from tap_leads.replication.ties import are_quiet, missing
from tap_leads.timestamps import HOUR, MINUTE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_leads.timestamps import Micros

SETTLED = 1000 * HOUR
LATE = 5 * MINUTE


def rows(*numbers: int, cursor: Micros | None = None) -> list[Row]:
    return [Row({"id": number}, number, cursor) for number in numbers]


def dated(*cursors: Micros | None) -> list[Row]:
    return [Row({"id": number}, number, cursor) for number, cursor in enumerate(cursors)]


def noted(*pages: Sequence[Row], total: int | None = None, earlier: Sequence[Scan] = ()) -> Scan:
    """Return a scan that had these pages; `earlier` are the scans of the set before it."""
    scan = Scan(settled=SETTLED)
    for number, each in enumerate(pages, 1):
        scan.note_total(total)
        scan.trust(each, SETTLED, {})
        page = Page(each, has_more=number < len(pages), total=total)
        note(page, [*earlier, scan])
    return scan


# What a scan remembers


def test_the_total_is_that_of_the_first_page_and_of_the_last() -> None:
    scan = Scan()
    for total in (5, None, 7):
        scan.note_total(total)
    assert (scan.total, scan.last_total) == (5, 7)


def test_a_scan_counts_its_pages_its_rows_and_the_direction_of_their_cursors() -> None:
    scan = noted(dated(1, 2, 2, 1), dated(3, 4, None, 3, 1, 9))
    assert (scan.pages, scan.size, scan.added) == (2, 6, 6)
    assert list(scan.ids.items()) == [(number, number) for number in range(6)]
    assert (scan.rises, scan.falls) == (3, 3)
    assert scan.front == [1, 2, 2, 1]
    assert scan.cursors == [1, 2, 2, 1, 3, 4, 3, 1, 9]


def test_rows_that_an_earlier_scan_saw_are_not_added_and_those_that_it_missed_are() -> None:
    first = noted(rows(0, 1))
    second = noted(rows(1), rows(0, 2), earlier=[first])
    assert (first.added, first.size, list(first.ids)) == (2, 2, [0, 1, 2])
    assert (second.added, second.size, list(second.ids)) == (1, 3, [1, 0, 2])


# Counts


@pytest.mark.parametrize(
    ("pages", "total", "is_counted"),
    [
        ([rows(0, 1, 2)], 3, True),
        ([rows(0, 1, 2)], 4, False),
        ([rows(0, 1, 2)], None, False),
        ([[]], 0, False),  # an empty page may be a wrong one
        ([rows(0, 1), rows(2, cursor=SETTLED - LATE - 1)], 3, True),
        ([rows(0, 1), rows(2, cursor=SETTLED - LATE)], 3, False),
        ([rows(0, 1), rows(2)], 3, False),
        ([rows(0, 1), rows(2), rows(1, 2, 0)], 3, True),
        ([rows(0, 1), rows(2, 0, 1), rows(2)], 3, False),  # no count in the middle
    ],
)
def test_a_count_is_proof_where_each_row_came_that_was_there(
    pages: list[list[Row]], total: int | None, *, is_counted: bool
) -> None:
    assert noted(*pages, total=total).is_counted is is_counted


def test_a_row_that_was_seen_before_the_count_is_a_member_once_it_comes_again() -> None:
    first = noted(rows(0, 1, 2))
    second = noted(rows(0), rows(1, 2, cursor=SETTLED), earlier=[first], total=3)
    assert second.is_counted
    third = noted(rows(0), rows(1, 3, cursor=SETTLED), earlier=[first], total=3)
    assert not third.is_counted


@pytest.mark.parametrize(
    ("total", "gap", "overlaps", "has_as_many"),
    [
        (None, False, True, False),
        (3, False, True, True),
        (2, False, True, True),
        (4, False, False, False),
        (3, True, False, True),
    ],
)
def test_pages_that_overlap_are_proof_unless_fewer_rows_came_than_declared(
    total: int | None, *, gap: bool, overlaps: bool, has_as_many: bool
) -> None:
    scan = noted(rows(0, 1, 2), total=total)
    scan.gap = gap
    assert (scan.overlaps, scan.has_as_many_rows) == (overlaps, has_as_many)


# Rows at their place


def test_a_row_stands_at_its_place_unless_it_may_have_changed() -> None:
    scan = Scan()
    sent = dated(None, SETTLED - 1, SETTLED, SETTLED, SETTLED)
    scan.trust(sent, SETTLED, {3: SETTLED, 4: SETTLED - 1})
    assert [scan.trusts_one_of((row,)) for row in sent] == [True, True, False, True, False]
    assert scan.trusts_one_of(sent)
    assert not scan.trusts_one_of(rows(1, cursor=SETTLED))
    assert not scan.trusts_one_of(rows(9))
    unknown = Scan()
    unknown.trust(sent, None, {})
    assert unknown.trusted == {0: None}


@pytest.mark.parametrize(
    ("numbers", "repeated", "proves"),
    [
        ([], 3, False),
        ([17, 18, 19, 20], 3, True),
        ([18, 19, 20], 3, False),
        ([18, 19, 20], 2, True),
        ([20, 17, 18, 19], 3, False),
        ([19, 18, 17], 3, False),
        ([17, 18, 20, 19], 3, False),
        ([16, 18, 19, 20], 3, True),  # one row is gone
        ([15, 18, 19], 3, False),
        ([15, 16, 19], 3, False),
        ([0, 2, 4, 6, 8, 10, 12], 3, False),
        ([0, 2, 4, 6, 8, 10, 12, 14], 3, True),  # an order that is no chance
        ([0, 20, 4, 21, 8, 10, 12, 14, 16, 18], 3, True),
    ],
)
def test_a_page_follows_where_it_repeats_rows_in_their_order(
    numbers: list[int], repeated: int, *, proves: bool
) -> None:
    scan = noted(rows(*range(20)))
    assert scan.is_followed_by(rows(*numbers), repeated) is proves


def test_a_few_rows_in_order_are_chance_where_few_were_seen() -> None:
    few, more = noted(rows(*range(7))), noted(rows(*range(20)))
    assert few.is_followed_by(rows(3, 4, 5, 6), 4)
    assert not few.is_followed_by(rows(3, 4, 5, 6), 4, surely=True)
    assert not more.is_followed_by(rows(17, 18, 19), 5, surely=True)
    assert more.is_followed_by(rows(15, 16, 17, 18, 19), 5, surely=True)


def test_rows_that_changed_prove_nothing_of_a_page() -> None:
    scan = noted(rows(*range(20)))
    changed = rows(3, cursor=SETTLED)
    assert scan.is_followed_by([*changed, *rows(17, 18, 19)], 3)
    assert not scan.is_followed_by([*changed, *rows(18, 19)], 3)


# Rows that come newest first


@pytest.mark.parametrize(
    ("cursors", "may"),
    [
        ([], False),
        ([None], False),
        ([1], True),
        ([1, 1, 1], True),
        ([1, 2], False),
        ([5, 4, 3, 2, 1, 2], False),
        ([6, 5, 4, 3, 2, 1, 2], True),
    ],
)
def test_a_list_may_descend_unless_its_cursors_rise(
    cursors: list[Micros | None], *, may: bool
) -> None:
    assert noted(dated(*cursors)).may_descend is may


@pytest.mark.parametrize(
    ("cursor", "is_outside"),
    [(None, True), (0, False), (SETTLED + 26 * HOUR, False), (SETTLED + 26 * HOUR + 1, True)],
)
def test_a_row_far_ahead_of_the_clock_says_nothing(
    cursor: Micros | None, *, is_outside: bool
) -> None:
    (row,) = dated(cursor)
    assert Scan(settled=SETTLED).is_outside(row) is is_outside
    assert Scan().is_outside(row) is (cursor != 0)


@pytest.mark.parametrize(
    ("front", "first_passed"),
    [
        ([], SETTLED - 1),
        ([SETTLED - HOUR], SETTLED - 1),
        ([SETTLED], SETTLED),
        ([SETTLED + 5 * HOUR, SETTLED + 3 * HOUR], SETTLED + 3 * HOUR),
        ([SETTLED + 26 * HOUR], SETTLED + 26 * HOUR),
        ([SETTLED + 26 * HOUR + 1], SETTLED - 1),
    ],
)
def test_rows_lead_to_one_that_did_not_change_since_the_scan_began(
    front: list[Micros], first_passed: Micros
) -> None:
    scan = noted(dated(*front))
    assert scan.has_passed(dated(first_passed + HOUR, None, first_passed))
    assert not scan.has_passed(dated(first_passed + 1, None))
    assert not scan.has_passed([])


# Scans that add nothing


def test_scans_repeat_each_other_where_their_rows_come_in_one_order() -> None:
    first = noted(rows(0, 1, 2, 3))
    assert noted(rows(0, 2, 3), earlier=[first]).repeats(first)
    assert noted(rows(0, 9, 2), earlier=[first]).repeats(first)  # what is new has no place
    assert not noted(rows(0, 2, 1), earlier=[first]).repeats(first)


def test_rows_of_later_scans_have_no_place_in_an_earlier_one() -> None:
    first = noted(rows(0, 1))
    second = noted(rows(5, 0, 4, 1), earlier=[first])
    assert second.repeats(first)
    third = noted(rows(4, 5), earlier=[first, second])
    assert third.repeats(first)
    assert not third.repeats(second)


def scans_in(orders: Sequence[Sequence[int]]) -> list[Scan]:
    scans: list[Scan] = []
    for order in orders:
        scans.append(noted(rows(*order), earlier=scans))
    return scans


@pytest.mark.parametrize(
    ("orders", "quiet"),
    [
        ([[0, 1, 2]], False),
        ([[0, 1, 2]] * 2, False),
        ([[0, 1, 2]] * 3, True),
        ([[0, 1, 2], [0, 1, 2], [0, 1, 2, 3]], False),
        ([[0, 1], [0, 1, 2], [0, 1, 2]], False),
        ([[0, 1], [0, 1, 2], [0, 1, 2], [0, 1, 2]], True),
        ([[2, 1, 0], [0, 1, 2], [0, 1, 2], [0, 1, 2]], True),
        ([[0, 1, 2], [2, 1, 0]] * 6, False),
        ([[0, 1, 2], [2, 1, 0]] * 6 + [[0, 1, 2]], True),
        ([[0, 1], [2, 1, 0]] + [[0, 1, 2], [2, 1, 0]] * 5 + [[0, 1, 2]], False),
    ],
)
def test_two_scans_that_add_nothing_are_quiet_and_twelve_where_the_order_does_not_hold(
    orders: list[list[int]], *, quiet: bool
) -> None:
    assert are_quiet(scans_in(orders)) is quiet


# What is missing


@pytest.mark.parametrize(("total", "rest"), [(1503, "1,500"), (4, "1"), (3, "1"), (None, "1")])
def test_the_error_counts_what_is_missing(total: int | None, rest: str) -> None:
    scans = [noted(rows(0, 1, 2), total=total)]
    assert missing(scans, is_cut_off=False).cause == (
        f"at least {rest} records could not be read: the API keeps changing the order of records "
        "with the same timestamp, or its total is higher than the number of records it returns; "
        "run the sync again"
    )
    assert missing(scans, is_cut_off=True).cause == (
        f"the API does not return more than the first 3 records of a query, and at least {rest} "
        "more exist; narrow `filters`"
    )
