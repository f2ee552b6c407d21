"""Pages of lists: their length, and the iteration over all of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

from exchanges.endpoint import Param
from exchanges.endpoint.markers import Pages

R = TypeVar("R")

MAX_PAGE = 100


def fault_of_limit(limit: int) -> str | None:
    """Return what is wrong with the length of a page; None if nothing is."""
    return None if 1 <= limit <= MAX_PAGE else f"must lie between 1 and {MAX_PAGE}"


PageLimit = Annotated[int | None, Param(check=fault_of_limit)]


def pages(
    read: Callable[..., Awaitable[list[R]]], id_of: Callable[[R], str], marker: str | None, **arguments: object
) -> Pages[R]:
    """Return all rows of a declared list behind *marker*, in pages of the greatest length.

    Args:
        read: The declared call.
        id_of: Returns the marker of a row.
        marker: Where to begin; None: at the first row.
        arguments: Further arguments of the call.
    """
    return Pages(lambda behind: read(marker=behind, limit=MAX_PAGE, **arguments), id_of, marker=marker)
