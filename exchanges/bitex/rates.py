"""Exchange rates and what moving money costs, fees of third parties included."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, cast

from attrs import field, frozen

from exchanges.bitex.api import API
from exchanges.bitex.models.rates import (
    ExchangeRate,
    FixedFee,
    MinimumFee,
    PercentualFee,
    Step,
    UnknownStep,
    calculate,
    calculate_backwards,
)
from exchanges.endpoint import Area, Param, public
from exchanges.errors import DecodeError
from exchanges.wire import Amount, Deviation, encode
from exchanges.wire.converter import wire

if TYPE_CHECKING:
    from exchanges.wire import Json

__all__ = ["Rates", "RatesPath", "RatesTree"]

RatesPath: TypeAlias = tuple[str, ...]
"""Where money goes: from what, from where, to what, to where, and how."""

STEPS: dict[str, type[ExchangeRate | PercentualFee | FixedFee | MinimumFee]] = {
    cls.type: cls for cls in (ExchangeRate, PercentualFee, FixedFee, MinimumFee)
}
MAX_PARTS = 16  # the guide's paths have five


class Branches:
    """The form of the tree: objects within objects, down to lists of steps."""

    def read(self, value: Json, *, strict: bool) -> dict[RatesPath, tuple[Step, ...]]:
        """Make a table of all paths."""
        table: dict[RatesPath, tuple[Step, ...]] = {}
        waiting: list[tuple[RatesPath, Json]] = [((), value)]
        while waiting:
            path, node = waiting.pop()
            if isinstance(node, dict) and len(path) < MAX_PARTS:
                waiting.extend(((*path, part), below) for part, below in reversed(node.items()))
            elif isinstance(node, list) and path:
                table[path] = tuple(_step(item, strict=strict) for item in node)
            else:
                raise Deviation("a list of steps, or an object of more branches", f": {'/'.join(path)}")
        return table

    def write(self, value: Mapping[RatesPath, tuple[Step, ...]]) -> Json:
        """Make objects within objects."""
        tree: dict[str, Json] = {}
        for path, steps in value.items():
            branch = tree
            for part in path[:-1]:
                branch = cast("dict[str, Json]", branch.setdefault(part, {}))
            branch[path[-1]] = encode(steps)
        return tree


def _step(item: Json, *, strict: bool) -> Step:
    kind = item.get("type") if isinstance(item, dict) else None
    known = STEPS.get(kind) if isinstance(kind, str) else None
    if known is None and strict:
        raise Deviation(f"a step of type {', '.join(STEPS)}")
    try:
        return cast("Step", wire(strict=strict).structure(item, known or UnknownStep, "step"))
    except DecodeError as error:
        raise Deviation(str(error).rpartition("expected ")[2]) from None


def _read_only(table: Mapping[RatesPath, tuple[Step, ...]]) -> Mapping[RatesPath, tuple[Step, ...]]:
    return MappingProxyType(dict(table))


@frozen(eq=False)
class RatesTree(Mapping[RatesPath, "tuple[Step, ...]"]):
    """All conversions that Bitex knows: a mapping from path to steps that cannot be changed. Wire: nested object.

    ``tree["ars", "cash", "usd", "bitex", "more_mt"]`` holds the steps from pesos in cash to dollars at Bitex by way of
    MoreMT; ``tree["ars/cash/usd/bitex/more_mt"]`` the same. Some paths, such as usd/cash/vef/cash/reference, are there
    for reference only: no service takes that way.

    Source:
        Bitex developer guide, Exchange Rates, "Rates Tree".
    """

    branches: Annotated[Mapping[RatesPath, tuple[Step, ...]], Branches()] = field(converter=_read_only)
    """Steps by path, read-only."""

    @classmethod
    def from_wire(cls, value: dict[str, Json]) -> dict[str, Json]:
        """Take the whole object for the table of branches."""
        return {"branches": value}

    @classmethod
    def to_wire(cls, value: dict[str, Json]) -> dict[str, Json]:
        """Send the table of branches alone."""
        return cast("dict[str, Json]", value["branches"])

    @property
    def paths(self) -> tuple[RatesPath, ...]:
        """All paths, in the exchange's order."""
        return tuple(self.branches)

    def __getitem__(self, path: RatesPath | str) -> tuple[Step, ...]:
        return self.branches[tuple(path.split("/")) if isinstance(path, str) else path]

    def __iter__(self) -> Iterator[RatesPath]:
        return iter(self.branches)

    def __len__(self) -> int:
        return len(self.branches)

    def __repr__(self) -> str:
        return f"RatesTree({len(self)} paths)"

    def __reduce__(self) -> tuple[Any, ...]:
        return RatesTree, (dict(self.branches),)


def _slashed(path: object) -> str:
    """Write a path as the exchange wants it."""
    parts = path.split("/") if isinstance(path, str) else path
    if not isinstance(parts, tuple | list):
        raise TypeError("must be a str such as ars/cash/btc/bitex/more_mt, or a tuple of its parts")
    parts = cast("list[object]", parts)
    named = [p for p in parts if isinstance(p, str) and p and p.isprintable() and "/" not in p]
    if not 0 < len(named) == len(parts) <= MAX_PARTS:
        raise ValueError("must be a path such as ars/cash/btc/bitex/more_mt, no part of it empty")
    return "/".join(named)


class Rates(Area, api=API):
    """Estimates of what comes out of moving money between currencies and services.

    Each conversion is a list of steps: exchanges at a rate, shares and fixed amounts taken off, shares with a minimum.
    `calculate` takes the steps here, to the last digit, and `calculate_backwards` undoes them; `calculate_path` asks
    the exchange to take them.
    """

    calculate = staticmethod(calculate)
    calculate_backwards = staticmethod(calculate_backwards)

    @public("GET /rates/tree")
    async def tree(self) -> RatesTree:
        """All conversions with their steps, by path.

        Returns:
            Wire: object of objects, five deep as documented, with lists of steps at the ends.

        Source:
            Bitex developer guide, Exchange Rates, "Rates Tree".
        """
        ...

    @public("GET /rates/calculate_path")
    async def calculate_path(
        self, *, amount: Amount, path: Annotated[str | RatesPath, Param(type="str", render=_slashed)]
    ) -> Decimal:
        """Let the exchange say what comes out of one conversion.

        Args:
            amount: In the first currency of *path*.
            path: Such as ``ars/cash/btc/bitex/more_mt``, or a tuple of the same parts.

        Returns:
            In the last currency of *path*. Wire: a bare number; the guide shows no answer.

        Source:
            Bitex developer guide, Exchange Rates, "Hosted Calculator".
        """
        ...
