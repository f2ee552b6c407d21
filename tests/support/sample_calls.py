"""A few calls with arguments of every kind, and their requests."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

import pytest
from attrs import evolve

from exchanges.endpoint import FORM, JSON, MONEY, WRITE, Area, Param, private
from exchanges.endpoint.call import prepare
from exchanges.errors import UsageError
from exchanges.wire import Amount, OpenIntEnum, OpenStrEnum
from tests.support.fourth import API as FOURTH

BASE = "https://x.test/api"
API = evolve(FOURTH, name="test", base_url=BASE, body=FORM)


class Side(OpenStrEnum):
    BUY = "buy"
    SELL = "sell"


class Level(OpenIntEnum):
    ONE = 1


def _both(arguments: Mapping[str, Any]) -> str | None:
    return "give note or tag, not both" if arguments.get("note") and arguments.get("tag") else None


def _hundred(amount: str) -> str | None:
    return None if Decimal(amount) >= 100 else "must be at least 100"


def _letters(value: str) -> str:
    if not value.isalpha():
        raise ValueError("must be letters")
    return value.upper()


class Calls(Area, api=API):
    @private("POST /orders/{book}", kind=MONEY, check=_both)
    async def order(
        self,
        book: str,
        *,
        amount: Amount,
        count: int = 1,
        side: Side | None = None,
        level: Level | None = None,
        hidden: bool | None = None,
        note: str | None = None,
        tag: Annotated[str | None, Param(wire="label", render=_letters)] = None,
    ) -> str: ...

    @private("POST /large", kind=MONEY, body=JSON)
    async def large(
        self,
        *,
        amount: Annotated[Amount, Param(check=_hundred)],
        count: int | None = None,
        hidden: bool | None = None,
        side: Side | None = None,
    ) -> str: ...

    @private("GET /find/{number}/{name}")
    async def find(
        self, *, name: str, number: int, amount: Amount | None = None, hidden: bool | None = None
    ) -> str: ...

    @private("GET /day/{day}")
    async def day(self, day: str = "today") -> str: ...

    @private("POST /nothing", kind=WRITE)
    async def nothing(self) -> str: ...

    @private("POST /nothing_json", kind=WRITE, body=JSON)
    async def nothing_json(self) -> str: ...

    @private("DELETE /one", kind=WRITE)
    async def delete(self, *, name: str) -> str: ...


def call(name, /, **arguments):
    """Return the unsigned request of a call."""
    return prepare(getattr(Calls, name).endpoint, arguments, BASE).render()


def order(**arguments):
    """Return the body of an order."""
    return call("order", **{"book": "b", "amount": 1} | arguments).body.decode()


def refusal(name="order", /, **arguments):
    """Return the message about wrong arguments."""
    valid = {"order": {"book": "b", "amount": 1}, "large": {"amount": 100}, "find": {"number": 1, "name": "n"}}
    with pytest.raises(UsageError) as caught:
        call(name, **valid.get(name, {}) | arguments)
    return str(caught.value)
