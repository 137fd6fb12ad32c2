"""Each paginator walks a fixed query to its true end and no further."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_leads.errors import PagingError
from tap_leads.pagination import (
    HALPaginator,
    Offset,
    OffsetPaginator,
    Page,
    PageNumber,
    PageNumberPaginator,
    PositionPaginator,
)


def rows(start: int, stop: int) -> list[dict[str, Any]]:
    return [{"id": i} for i in range(start, stop)]


def walk(paginator: PositionPaginator[Any], total: int, cap: int) -> list[list[int]]:
    """The ids on each page that a server of `total` rows and pages of at most `cap` hands out."""
    pages = []
    while not paginator.finished:
        token = paginator.current_value
        start = token.offset if isinstance(token, Offset) else (token.page - 1) * token.limit
        stop = min(start + min(token.limit, cap), total)
        pages.append(list(range(start, stop)))
        paginator.advance(Page(rows(start, stop), more=stop < total))
    return pages


@given(
    kind=st.sampled_from([OffsetPaginator, PageNumberPaginator]),
    limit=st.integers(1, 40),
    overlap=st.integers(0, 7),
    total=st.integers(0, 700),
    cap=st.integers(1, 60),
)
def test_every_row_comes_whatever_the_page_size_that_the_server_allows(
    kind: Any, limit: int, overlap: int, total: int, cap: int
) -> None:
    pages = walk(kind(limit, overlap=overlap), total, cap)
    assert {row for page in pages for row in page} == set(range(total))


@given(limit=st.integers(12, 60), total=st.integers(0, 900))
def test_pages_overlap_so_that_each_begins_with_a_row_already_seen(limit: int, total: int) -> None:
    for kind in (OffsetPaginator, PageNumberPaginator):
        seen: set[int] = set()
        for page in walk(kind(limit, overlap=5), total, limit):
            assert not seen or page[0] in seen
            seen.update(page)


def test_without_overlap_pages_follow_each_other_as_documented() -> None:
    paginator = PageNumberPaginator(100)
    paginator.advance(Page(rows(0, 100), more=True))
    assert paginator.current_value == PageNumber(2, 100)
    paginator.advance(Page(rows(100, 200), more=True))
    assert paginator.current_value == PageNumber(3, 100)


def test_a_page_that_the_server_capped_without_a_word_is_not_taken_for_a_full_one() -> None:
    offsets = OffsetPaginator(50)
    offsets.advance(Page(rows(0, 20), more=True))
    assert offsets.current_value == Offset(20, 20)
    numbers = PageNumberPaginator(100)
    numbers.advance(Page(rows(0, 30), more=True))
    assert numbers.current_value == PageNumber(2, 30)


def test_a_short_page_is_not_taken_for_the_end() -> None:
    paginator = OffsetPaginator(50)
    paginator.advance(Page(rows(0, 3), more=True))
    assert not paginator.finished


def test_a_full_page_is_the_end_where_the_source_says_so() -> None:
    paginator = OffsetPaginator(50)
    paginator.advance(Page(rows(0, 50), more=False))
    assert paginator.finished


def test_an_empty_page_that_says_more_follows_ends_the_walk_with_an_error() -> None:
    with pytest.raises(PagingError, match="empty page"):
        OffsetPaginator(50).advance(Page([], more=True))


def test_offsets_beyond_the_reach_are_refused_and_not_cut_off() -> None:
    paginator = OffsetPaginator(50, reach=70)
    paginator.advance(Page(rows(0, 50), more=True))
    assert paginator.current_value == Offset(50, 20)
    with pytest.raises(PagingError, match="beyond the first 70"):
        paginator.advance(Page(rows(50, 70), more=True))


def test_a_next_link_is_followed_as_it_is() -> None:
    paginator = HALPaginator("https://acme.kommo.com/api/v4")
    link = "https://acme.kommo.com/api/v4/leads?page=2&limit=250&order%5Bid%5D=asc"
    paginator.advance(Page(rows(0, 2), more=True, next_url=link))
    assert paginator.current_value == link
    paginator.advance(Page(rows(2, 3), more=False))
    assert paginator.finished


def test_an_empty_page_with_a_next_link_is_not_the_end() -> None:
    paginator = HALPaginator("https://acme.kommo.com")
    paginator.advance(Page([], more=True, next_url="/api/v4/leads?page=3"))
    assert paginator.current_value == "https://acme.kommo.com/api/v4/leads?page=3"


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/api/v4/leads?page=2",
        "http://acme.kommo.com/api/v4/leads?page=2",
        "https://acme.kommo.com:8443/api/v4/leads?page=2",
        "//evil.example/leads",
        "https://acme.kommo.com@evil.example/leads",
        "https://acme.kommo.com:bad/leads",
    ],
)
def test_a_next_link_that_leaves_the_origin_is_refused(link: str) -> None:
    paginator = HALPaginator("https://acme.kommo.com")
    with pytest.raises(PagingError, match="another host"):
        paginator.advance(Page(rows(0, 2), more=True, next_url=link))


def test_the_default_port_is_the_same_origin() -> None:
    paginator = HALPaginator("https://acme.kommo.com")
    link = "https://acme.kommo.com:443/api/v4/leads?page=2"
    paginator.advance(Page(rows(0, 2), more=True, next_url=link))
    assert paginator.current_value == link


def test_links_that_lead_in_a_circle_end_the_walk() -> None:
    paginator = HALPaginator("https://acme.kommo.com")
    for link in ("/a", "/b"):
        paginator.advance(Page(rows(0, 2), more=True, next_url=link))
    with pytest.raises(PagingError, match="circles"):
        paginator.advance(Page(rows(0, 2), more=True, next_url="/a"))


def test_more_without_a_next_link_is_an_error_and_not_the_end() -> None:
    with pytest.raises(PagingError, match="no next link"):
        HALPaginator("https://acme.kommo.com").advance(Page(rows(0, 2), more=True))
