"""Rules of a market, as a read showed them: an order that breaks them is refused before it is sent.

An exchange writes its own rules; what they have in common is here. Nothing is rounded silently.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any, TypeVar

from exchanges.endpoint.amounts import EXACT
from exchanges.endpoint.areas import Area
from exchanges.endpoint.arguments import money
from exchanges.endpoint.definition import Endpoint
from exchanges.errors import UsageError
from exchanges.wire import Amount, plain

MAX_DECIMALS = 18

R = TypeVar("R")
Bound = tuple[str, Decimal | None, Decimal | None, Decimal | None]
"""Name, given value, least, most; None where there is none."""


def within(
    key: str, name: str, fault_of: Callable[[R, Mapping[str, Any]], str | None]
) -> Callable[[Any, Endpoint, Mapping[str, Any]], Awaitable[Any]]:
    """Return a `Via` that places an order, unless it breaks the rules of its market as they were read.

    Args:
        key: Where the areas of a client keep the rules, by market.
        name: The argument that names the market.
        fault_of: Returns what the exchange would refuse in the arguments of an order; None if nothing.
    """

    async def place(area: Area, endpoint: Endpoint, arguments: Mapping[str, Any]) -> object:
        rules: Mapping[str, R] = area.shared.get(key, {})
        fault = None
        # What is wrong by itself is for the call to report, by argument; an odd object may raise anything.
        with suppress(Exception):
            known = rules.get(str(arguments[name]).lower())
            fault = None if known is None else fault_of(known, arguments)
        if fault is not None:
            raise UsageError(f"{endpoint.id} ({endpoint}): {fault}; nothing was sent", endpoint=endpoint.id)
        return await area.caller(endpoint, arguments)

    return place


def known_rules(area: Area, key: str, market: str, read: str) -> Any:
    """Return the rules of a market.

    Args:
        area: Of the client that read them.
        key: Where the areas keep the rules.
        market: As the exchange names it.
        read: The call that reads them.

    Raises:
        UsageError: They were not read yet, or there is no such market among them.
    """
    known: Mapping[str, Any] | None = area.shared.get(key)
    if known is None:
        raise UsageError(f"rules: await {read}() first; it reads the bounds of all markets")
    if market not in known:
        raise UsageError(f"rules: {read}() showed no {market!r} among {len(known)}, such as {', '.join([*known][:5])}")
    return known[market]


def step_of(decimals: int) -> Decimal:
    """Return the smallest number of that many decimals.

    Raises:
        UsageError: Not a number of decimals.
    """
    if type(decimals) is not int or not 0 <= decimals <= MAX_DECIMALS:
        raise UsageError(f"decimals must lie between 0 and {MAX_DECIMALS}")
    return EXACT.scaleb(1, -decimals)


def rounded(value: Amount, step: Decimal, rounding: str, what: str) -> Decimal:
    """Round an amount or a price to a multiple of *step*.

    Raises:
        UsageError: Not an amount, or one that rounds to zero.
    """
    try:
        exact = Decimal(money(value))
    except (ValueError, TypeError) as fault:
        raise UsageError(f"{what} {fault}") from None
    steps = EXACT.divide(exact, step).to_integral_value(rounding)
    if not steps:
        raise UsageError(f"{what} {plain(exact)} is less than the step {plain(step)}")
    return EXACT.multiply(steps, step)


def fault_of_bounds(bounds: Iterable[Bound], market: str) -> str | None:
    """Return which value is out of its bounds; None if none is."""
    for name, given, least, most in bounds:
        # A market that was listed a moment ago may not have all its bounds yet.
        if given is not None and (given < (least or given) or given > (most or given)):
            shown = " to ".join("none" if bound is None else plain(bound) for bound in (least, most))
            return f"{name} {plain(given)} is outside of {shown}, the bounds of {market}"
    return None


def given_amounts(arguments: Mapping[str, Any], *names: str) -> tuple[Decimal | None, ...]:
    """Return arguments that are amounts; None for those that are not given."""
    return tuple(None if (value := arguments.get(name)) is None else Decimal(money(value)) for name in names)
