"""Arguments that calls of v2 have in common: markets, currencies, flags, pages, ids."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any

from exchanges.endpoint import Param
from exchanges.endpoint.arguments import json_object, tag
from exchanges.wire import dumps

MAX_PAGE, MAX_OFFSET = 1000, 200_000
MAX_CLIENT_ID = 180
_SYMBOL = re.compile(r"[a-z0-9]+(?:-perp)?", re.ASCII)
_NAME = re.compile(r"[A-Z0-9]+/[A-Z0-9]+(?:-PERP)?", re.ASCII)
_CURRENCY = re.compile(r"[a-z0-9]+", re.ASCII)
_DIGITS = re.compile(r"[0-9]{1,30}", re.ASCII)
# Seconds of this century and the next: milliseconds lie far above.
LAST_SECONDS = 10**10
# By which older clients ask for the orders of every market.
ALL_MARKETS = "all"


def symbol_of(name: str) -> str:
    """Return the symbol of a market, such as btcusd, from its name BTC/USD, or from itself."""
    return name.replace("/", "").lower()


def _is_shown_in(market: str, name: str) -> bool:
    """Whether what is shown of the market *name*, such as BTC/USD, belongs to the list of a market."""
    return market in (ALL_MARKETS, symbol_of(name))


def fault_of_symbol(market: str) -> str | None:
    """Return what is wrong with the symbol of a market; None if nothing is."""
    fault = "must be the symbol of a market, such as btcusd or btcusd-perp"
    return None if _SYMBOL.fullmatch(market) else fault


def _fault_of_name(market: str) -> str | None:
    return None if _NAME.fullmatch(market) else "must be the name of a market, such as BTC/USD"


def _fault_of_address(address: str) -> str | None:
    # Blanks around it do not name another receiver, but would make another call of the same withdrawal.
    return None if address and address == address.strip() else "must not be empty or have blanks around it"


def _fault_of_currency(currency: str) -> str | None:
    return None if _CURRENCY.fullmatch(currency) else "must be a currency in lower case, such as btc"


def fault_of_client_id(client_order_id: str) -> str | None:
    """Return what is wrong with a client's id; None if nothing is."""
    return None if 1 <= len(client_order_id) <= MAX_CLIENT_ID else f"must have 1 to {MAX_CLIENT_ID} characters"


def _fault_of_id(value: str) -> str | None:
    return None if _DIGITS.fullmatch(value) else "must be the id of an order: digits"


def only_true(value: object) -> str | None:
    """Render a flag that is sent only when it is set, as the word ``True``."""
    if not isinstance(value, bool):
        raise TypeError(f"must be a bool, not {type(value).__name__}")
    return "True" if value else None


def seconds(moment: datetime | int) -> int:
    """Convert a moment to seconds since 1970."""
    if isinstance(moment, datetime):
        if moment.tzinfo is None:
            raise ValueError("must have a time zone, such as datetime.UTC")
        moment = int(moment.timestamp())
    if type(moment) is not int or not 0 <= moment < LAST_SECONDS:
        raise ValueError("must be a datetime, or seconds since 1970")
    return moment


def whole_id(value: object) -> str:
    """Render the id of a withdrawal, a number or its digits."""
    text = str(value) if type(value) is int else value
    if not isinstance(text, str) or not _DIGITS.fullmatch(text):
        raise ValueError("must be an id: digits")
    return text


def json_text(value: object) -> str:
    """Render a mapping as JSON text, which is how an object travels in a form."""
    return dumps(json_object(value)).decode()


def between(least: int, most: int) -> Callable[[int], str | None]:
    """Return a check of a whole number."""
    return lambda number: None if least <= number <= most else f"must lie between {least} and {most}"


def exactly_one(*names: str) -> Callable[[Mapping[str, Any]], str | None]:
    """Return a check that demands exactly one of several arguments."""

    def check(arguments: Mapping[str, Any]) -> str | None:
        given = [name for name in names if arguments.get(name) is not None]
        return None if len(given) == 1 else f"give exactly one of {' and '.join(names)}"

    return check


# The answer shows the name where the request has the symbol.
Symbol = Annotated[str, Param(check=fault_of_symbol, canonical=symbol_of, echo="market")]
NamedMarket = Annotated[str, Param(canonical=symbol_of, echo="market")]
ListedMarket = Annotated[str, Param(check=fault_of_symbol, same=_is_shown_in, echo="market")]
"""That of orders, which show its name."""
MarketName = Annotated[str, Param(check=_fault_of_name)]
# Texts that name one thing in either case: calls that differ in it alone are the same call.
Code = Annotated[str, Param(canonical=str.upper)]
OptionalCode = Annotated[str | None, Param(canonical=str.upper)]
Address = Annotated[str, Param(check=_fault_of_address)]
CurrencyCode = Annotated[str, Param(check=_fault_of_currency, echo="currency")]
Flag = Annotated[bool | None, Param(type="bool", render=only_true, echo=None)]
Moment = Annotated[datetime | int | None, Param(type="int", render=seconds)]
PageSize = Annotated[int | None, Param(check=between(1, MAX_PAGE))]
Offset = Annotated[int | None, Param(check=between(0, MAX_OFFSET))]
ClientOrderId = Annotated[str | None, Param(check=fault_of_client_id, call_id=True)]
OrderId = Annotated[str | None, Param(wire="id", check=_fault_of_id, echo="id")]
Tag = Annotated[str | int | None, Param(type="str", render=tag, echo=None)]
TagNumber = Annotated[str | int | None, Param(type="str", render=whole_id, echo=None)]
Person = Annotated[Mapping[str, object] | None, Param(type="object", render=json_text, echo=None, secret=True)]
"""Personal data: an object as JSON text in a form."""
