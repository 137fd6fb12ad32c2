"""Each paginator walks a fixed result set to its true end and no further."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_leads.replication.errors import PagingError
from tap_leads.replication.model import Page, Row
from tap_leads.replication.pagination import (
    CursorPaginator,
    HALPaginator,
    Link,
    Offset,
    OffsetPaginator,
    PageNumber,
    PageNumberPaginator,
    PositionPaginator,
    Token,
)
from tests.support.logs import uncoded

KINDS = [OffsetPaginator, PageNumberPaginator]
ENDLESS = [OffsetPaginator, PageNumberPaginator, HALPaginator, CursorPaginator]


def rows(start: int, stop: int) -> list[Row]:
    return [Row({"id": i}, i, None) for i in range(start, stop)]


def walk(
    paginator: PositionPaginator, total: int, cap: int, slow: frozenset[int] = frozenset()
) -> list[list[int]]:
    """The ids on each page of a server with `total` rows and pages of at most `cap`."""
    pages: list[list[int]] = []
    while not paginator.finished:
        at = paginator.position
        if len(pages) in slow:
            at = at.fit(max(1, at.limit // 2))
        stop = min(at.start + min(at.limit, cap), total)
        pages.append(list(range(at.start, stop)))
        page = Page(rows(at.start, stop), has_more=stop < total, at=at)
        paginator.advance(page)
    return pages


@given(
    kind=st.sampled_from(KINDS),
    limit=st.integers(1, 40),
    overlap=st.integers(0, 7),
    total=st.integers(0, 700),
    cap=st.integers(1, 60),
    slow=st.frozensets(st.integers(0, 20)),
)
def test_every_row_comes_whatever_the_page_size_that_the_server_allows(
    kind: Any, limit: int, overlap: int, total: int, cap: int, slow: frozenset[int]
) -> None:
    pages = walk(kind(limit, overlap=overlap), total, cap, slow)
    assert {row for page in pages for row in page} == set(range(total))


@given(
    limit=st.integers(60, 90),
    total=st.integers(0, 900),
    slow=st.frozensets(st.integers(0, 20), max_size=1),
)
def test_pages_overlap_so_that_each_begins_with_a_row_already_seen(
    limit: int, total: int, slow: frozenset[int]
) -> None:
    for kind in KINDS:
        seen: set[int] = set()
        for page in walk(kind(limit, overlap=5), total, limit, slow):
            assert not seen or page[0] in seen
            seen.update(page)


@given(start=st.integers(0, 5000), limit=st.integers(1, 250), smaller=st.integers(1, 300))
def test_a_position_that_is_fitted_stays_where_it_is_or_a_little_before(
    start: int, limit: int, smaller: int
) -> None:
    for place in (Offset.at(start, limit), PageNumber.at(start, limit)):
        fitted = place.fit(smaller)
        assert fitted.limit <= min(limit, smaller)
        assert fitted.start <= place.start < fitted.start + fitted.limit
    assert Token("t", limit).fit(smaller) == Token("t", min(limit, smaller))
    assert Link("/next", limit).fit(smaller) == Link("/next", limit)
    assert Link("", limit).fit(smaller) == Link("", min(limit, smaller))


def test_without_overlap_pages_follow_each_other_as_documented() -> None:
    paginator = PageNumberPaginator(100)
    paginator.advance(Page(rows(0, 100), has_more=True))
    assert paginator.position == PageNumber(2, 100)
    paginator.advance(Page(rows(100, 200), has_more=True))
    assert paginator.position == PageNumber(3, 100)


def test_a_page_that_the_server_capped_silently_is_not_taken_for_a_full_one() -> None:
    offsets = OffsetPaginator(50)
    offsets.advance(Page(rows(0, 20), has_more=True))
    assert offsets.position == Offset(20, 20)
    numbers = PageNumberPaginator(100)
    numbers.advance(Page(rows(0, 30), has_more=True))
    assert numbers.position == PageNumber(2, 30)


def test_a_page_that_was_requested_smaller_is_not_taken_for_a_capped_one() -> None:
    paginator = OffsetPaginator(50)
    at = paginator.position.fit(25)
    paginator.settle(Page(rows(0, 25), has_more=True, at=at))
    assert not paginator.is_astray(Page(rows(0, 25), has_more=True, at=at))
    paginator.advance(Page(rows(0, 25), has_more=True, at=at))
    assert paginator.position == Offset(25, 25)


def test_a_page_that_lacks_most_of_its_rows_leads_astray() -> None:
    paginator = OffsetPaginator(50)
    astray = [paginator.is_astray(Page(rows(0, n), has_more=True)) for n in (0, 1, 20)]
    assert astray == [True, False, False]
    paginator.advance(Page(rows(0, 20), has_more=True))  # the server's cap is 20
    astray = [paginator.is_astray(Page(rows(0, n), has_more=True)) for n in (0, 9, 10, 20)]
    assert astray == [True, True, False, False]
    assert not paginator.is_astray(Page([], has_more=False))


@pytest.mark.parametrize("kind", [HALPaginator, CursorPaginator])
def test_the_position_that_was_requested_in_the_end_is_taken_over(kind: Any) -> None:
    paginator = kind(50)
    paginator.settle(Page([], has_more=True))
    assert paginator.position == kind.first(50)
    paginator.settle(Page([], has_more=True, at=kind.first(20)))
    assert paginator.position == kind.first(20)


def test_a_short_page_is_not_taken_for_the_end() -> None:
    paginator = OffsetPaginator(50)
    paginator.advance(Page(rows(0, 3), has_more=True))
    assert not paginator.finished


@pytest.mark.parametrize("kind", ENDLESS)
def test_a_full_page_is_the_end_where_the_source_says_so(kind: Any) -> None:
    paginator = kind(50)
    paginator.advance(Page(rows(0, 50), has_more=False))
    assert paginator.finished


@pytest.mark.parametrize("kind", ENDLESS)
def test_an_empty_page_that_says_more_follows_ends_the_walk_with_an_error(kind: Any) -> None:
    paginator = kind(50)
    with pytest.raises(PagingError) as raised:
        paginator.advance(Page([], has_more=True))
    assert raised.value.cause == "the API returned an empty page but reported more records"


@pytest.mark.parametrize("kind", ENDLESS)
def test_pages_are_counted(kind: Any) -> None:
    paginator = kind(50)
    counts = [paginator.count]
    for link in ("/a", "/b"):
        paginator.advance(Page(rows(0, 2), has_more=True, next=link))
        counts.append(paginator.count)
    assert counts == [0, 1, 2]


def test_offsets_beyond_the_window_are_refused_and_not_cut_off() -> None:
    paginator = OffsetPaginator(50, result_window=70)
    paginator.advance(Page(rows(0, 50), has_more=True))
    assert paginator.position == Offset(50, 20)
    with pytest.raises(PagingError) as raised:
        paginator.advance(Page(rows(50, 70), has_more=True))
    assert uncoded(str(raised.value)) == (
        "the API does not return records beyond the first 70. Narrow `filters`"
    )


@given(limit=st.integers(1, 60), window=st.integers(1, 300))
def test_page_numbers_reach_all_of_the_window_and_nothing_beyond(limit: int, window: int) -> None:
    paginator, reached = PageNumberPaginator(limit, result_window=window), 0
    page = Page([], has_more=True)
    while reached < window:
        at = paginator.position
        assert at.start <= reached
        assert not reached or at.start + at.limit <= window
        reached = min(at.start + at.limit, window)
        page = Page(rows(at.start, reached), has_more=True, at=at)
        if reached < window:
            paginator.advance(page)
    with pytest.raises(PagingError, match="beyond the first"):
        paginator.advance(page)


def test_a_next_link_is_followed_as_it_is() -> None:
    paginator = HALPaginator(250)
    assert paginator.position == HALPaginator.first(250) == Link("", 250)
    link = "https://acme.kommo.com/api/v4/leads?page=2&limit=250&order%5Bid%5D=asc"
    paginator.advance(Page(rows(0, 2), has_more=True, next=link))
    assert paginator.position == Link(link)
    paginator.advance(Page(rows(2, 3), has_more=False))
    assert paginator.finished


def test_a_token_is_sent_back_as_it_is() -> None:
    paginator = CursorPaginator(100)
    assert paginator.position == Token(None, 100)
    paginator.advance(Page(rows(0, 2), has_more=True, next="NTI1Cg%3D%3D"))
    assert paginator.position == Token("NTI1Cg%3D%3D", 100)
    paginator.advance(Page(rows(2, 3), has_more=False))
    assert paginator.finished


@pytest.mark.parametrize("kind", [HALPaginator, CursorPaginator])
def test_an_empty_page_with_a_next_link_or_token_is_not_the_end(kind: Any) -> None:
    paginator = kind(50)
    paginator.advance(Page([], has_more=True, next="/api/v4/leads?page=3"))
    assert paginator.position[0] == "/api/v4/leads?page=3"


@pytest.mark.parametrize("kind", [HALPaginator, CursorPaginator])
def test_links_and_tokens_that_lead_in_a_circle_end_the_walk(kind: Any) -> None:
    paginator = kind(50)
    for link in ("/a", "/b"):
        paginator.advance(Page(rows(0, 2), has_more=True, next=link))
    with pytest.raises(PagingError, match="pagination loop"):
        paginator.advance(Page(rows(0, 2), has_more=True, next="/a"))


@pytest.mark.parametrize("kind", [HALPaginator, CursorPaginator])
def test_more_without_a_next_link_or_token_is_an_error_and_not_the_end(kind: Any) -> None:
    with pytest.raises(PagingError, match=r"no next link|no next page token"):
        kind(50).advance(Page(rows(0, 2), has_more=True))


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_is_requested_again_from_further_back_but_never_from_further_on(kind: Any) -> None:
    paginator = kind(10, overlap=1)
    paginator.advance(Page(rows(0, 10), has_more=True))
    start = paginator.start
    assert paginator.repeat(4)
    assert paginator.start == 6 < start
    assert not paginator.repeat(4)
    assert not paginator.repeat(1)
    assert paginator.start == 6
