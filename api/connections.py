"""This file knows how lists are paged: how long a page may be, where it ends, and pages of models."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import strawberry

from api import cursors
from api.loaders import Ask
from api.nodes import ModelNode
from api.scalars import Order
from graph.errors import LimitExceeded
from graph.store import FoldedPage, Key, ModelPage

DOWNLOADS = Order.DOWNLOADS.value  # the order of lists that take none


def page_size(info: Ask, first: int) -> int:
    """A page size that is allowed. Raises LimitExceeded."""
    most = info.context.limits.page
    if not 1 <= first <= most:
        raise LimitExceeded("first", most, first, "ask for 1 to that many, and for more with `after`")
    return first


@strawberry.type(description="Where a page ends, and whether more follow.")
class PageInfo:
    """Relay's page facts; lists are read forwards only."""

    has_next_page: bool = strawberry.field(description="Whether more follow.")
    has_previous_page: bool = strawberry.field(description="Whether a cursor was given.")
    start_cursor: str | None = strawberry.field(description="The first row's cursor.")
    end_cursor: str | None = strawberry.field(
        description="The last row's cursor; pass it as `after` for the next page."
    )


def page_info(order: str, keys: Sequence[Key], has_next: bool, after: str | None) -> PageInfo:
    """The page facts of rows with these keys."""
    ends = [cursors.write(order, key) for key in (keys[0], keys[-1])] if keys else []
    return PageInfo(
        has_next_page=has_next,
        has_previous_page=after is not None,
        start_cursor=ends[0] if ends else None,
        end_cursor=ends[-1] if ends else None,
    )


@strawberry.type(description="A row of models.")
class ModelEdge:
    """Relay's edge."""

    node: ModelNode = strawberry.field(description="The model.")
    cursor: str = strawberry.field(description="Its place in the list.")
    folded: int = strawberry.field(
        default=0, description="With `collapse`: how many others of its group pass the filter and fold under it."
    )


@strawberry.type(description="A page of models.")
class ModelConnection:
    """Relay's connection; the total is counted only when it is asked for."""

    edges: list[ModelEdge] = strawberry.field(description="The rows with their cursors.")
    nodes: Sequence[ModelNode] = strawberry.field(description="The rows alone.")
    page_info: PageInfo = strawberry.field(description="Where the page ends.")
    counted: strawberry.Private[int | Callable[[], Awaitable[int]]]

    @strawberry.field(description="How many there are in all, exactly.")
    async def total_count(self) -> int:
        """The count, asked for now."""
        if isinstance(self.counted, int):
            return self.counted
        return await self.counted()


def connection(
    page: ModelPage | FoldedPage, order: str, after: str | None, counted: int | Callable[[], Awaitable[int]]
) -> ModelConnection:
    """A page of the store as a connection. ``counted``: the total, or how to ask for it."""
    folded = page.folded if isinstance(page, FoldedPage) else (0,) * len(page.models)
    rows = zip(page.models, page.keys, folded, strict=True)
    return ModelConnection(
        edges=[ModelEdge(node=m, cursor=cursors.write(order, k), folded=n) for m, k, n in rows],
        nodes=page.models,
        page_info=page_info(order, page.keys, page.has_next, after),
        counted=counted,
    )
