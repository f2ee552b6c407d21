"""The Concierge: one payment from you to several payees in other countries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, TypeGuard, TypeVar

import attrs
from attrs import frozen

from exchanges.bitex.api import API
from exchanges.bitex.models.concierge import WorkOrderRequest, WorkOrderRequests
from exchanges.bitex.models.places import Country, CurrencyCode
from exchanges.endpoint import JSON, MONEY, Access, Area, Param, private
from exchanges.endpoint.arguments import money
from exchanges.wire import Amount

if TYPE_CHECKING:
    from exchanges.wire import Json

__all__ = ["BitcoinInput", "Concierge", "Input", "Output"]

COUNTRIES = frozenset(Country) - {Country.CO, Country.UY}
CURRENCIES = frozenset(CurrencyCode) - {CurrencyCode.COP, CurrencyCode.UYU}


@frozen(kw_only=True)
class Input:
    """Money that you send to the Concierge.

    Source:
        Bitex developer guide, Concierge, "Create Work Order Request".
    """

    amount: Amount | None = None
    """In *currency*; None leaves it open: it is quoted so that all payees get theirs."""
    country: str
    """Where you send it from, a `Country`."""
    currency: str
    """What *amount* is counted in, a `CurrencyCode`."""


@frozen(kw_only=True)
class BitcoinInput:
    """BTC that you send to the Concierge.

    Source:
        Bitex developer guide, Concierge, "Create Work Order Request".
    """

    amount: Amount | None = None
    """BTC; None leaves it open: it is quoted so that all payees get theirs."""


@frozen(kw_only=True)
class Output:
    """Money that the Concierge sends to one payee.

    Source:
        Bitex developer guide, Concierge, "Create Work Order Request".
    """

    user_id: int
    """Who is paid: a user of this reseller."""
    country: str
    """Where he is paid, a `Country`."""
    currency: str
    """What *amount* is counted in, a `CurrencyCode`."""
    amount: Amount | None = None
    """In *currency*; None leaves it open: this payee gets what is left, and so bears the costs."""
    withdrawal_instruction_id: int
    """How he is paid: one of his own withdrawal instructions."""


P = TypeVar("P", Input, BitcoinInput, Output)
_CODES: dict[str, frozenset[str]] = {"country": COUNTRIES, "currency": CURRENCIES}


def _is_sequence(values: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(values, Sequence) and not isinstance(values, str | bytes)


def _parts(kind: type[P], values: object) -> list[P]:
    """Take a sequence of *kind*, or of mappings with its fields."""
    if not _is_sequence(values):
        raise TypeError(f"must be a sequence of {kind.__name__}, not {type(values).__name__}")
    parts: list[P] = []
    for value in values:
        try:
            parts.append(value if isinstance(value, kind) else kind(**value))
        except TypeError:
            names = ", ".join(a.name for a in attrs.fields(kind))
            raise TypeError(f"[{len(parts)}] must be {kind.__name__}, or a mapping of its fields: {names}") from None
    return parts


def _field(name: str, value: object) -> Json:
    """Write one field."""
    if name == "amount":
        return None if value is None else Decimal(money(value))
    if name in _CODES:
        if not isinstance(value, str) or value not in _CODES[name]:
            raise ValueError(f"must be one of {', '.join(sorted(_CODES[name]))}")
        return str(value)
    if type(value) is not int or value < 1:
        raise ValueError("must be an id, a whole number above zero")
    return value


def _list_of(kind: type[P]) -> Param:
    def render(values: object) -> Json:
        written: list[Json] = []
        for part in _parts(kind, values):
            fields: dict[str, Json] = {}
            for name, value in attrs.asdict(part, recurse=False).items():
                try:
                    fields[name] = _field(name, value)
                except (TypeError, ValueError) as error:
                    raise ValueError(f"[{len(written)}].{name} {error}") from None
            written.append(fields)
        return written or None

    return Param(type="list", render=render)


def _not_one_open(arguments: Mapping[str, Any]) -> str | None:
    ways_in = [part.amount for part in _parts(Input, arguments.get("inputs") or ())]
    ways_in += [part.amount for part in _parts(BitcoinInput, arguments.get("bitcoin_inputs") or ())]
    ways_out = [part.amount for part in _parts(Output, arguments["outputs"])]
    if not ways_in or not ways_out:
        return "a work order has an input or bitcoin input, and an output"
    left_open = (ways_in + ways_out).count(None)
    if left_open == 1:
        return None
    return f"exactly one amount is left open (None), that of who bears the costs; here {left_open} are"


class Concierge(Area, api=API):
    """Pay several people in their own currencies, through a network of partners of Bitex.

    For resellers. Payer and payees are users of the reseller, and each payee has a withdrawal instruction. A work
    order says what goes in and what comes out, and leaves open one amount: that of an input, to pay what it costs
    that all payees get theirs; or that of an output, to spend a fixed amount of which this payee gets what is left.

    Bitex looks at the order, mostly accepts it, and tells, by phone or in the instructions of the inputs, how to fund
    it. Read it again until it is DONE, or have `Webhooks` tell. Prices move until the money has arrived. What turns
    out to be too much is given back in BTC.
    """

    __slots__ = ()

    @private("POST /reseller/work_order_requests", kind=MONEY, access=Access.RESELLER, body=JSON, check=_not_one_open)
    async def create_work_order_request(
        self,
        *,
        payer_id: int,
        should_confirm_quote: Annotated[bool | None, Param(echo=None)] = None,
        inputs: Annotated[Sequence[Input], _list_of(Input)] = (),
        bitcoin_inputs: Annotated[Sequence[BitcoinInput], _list_of(BitcoinInput)] = (),
        outputs: Annotated[Sequence[Output], _list_of(Output)],
    ) -> WorkOrderRequest:
        """Ask the Concierge to take money in and to pay it out.

        Exactly one amount among *inputs*, *bitcoin_inputs* and *outputs* is None. Plain mappings with the same fields
        are taken too.

        Args:
            payer_id: Who pays: a user of this reseller.
            should_confirm_quote: Have somebody call you once the inputs are funded, so that you can wait for a better
                price. Unless set, everything goes on at the best price there is.
            inputs: Money that goes in, and from where.
            bitcoin_inputs: BTC that go in.
            outputs: Who gets how much, and how.

        Returns:
            The order with status RECEIVED. Wire: json:api document.

        Source:
            Bitex developer guide, Concierge, "Create Work Order Request".
        """
        ...

    @private("GET /reseller/work_order_requests/{work_order_request_id}", access=Access.RESELLER)
    async def work_order_request(self, work_order_request_id: int) -> WorkOrderRequest:
        """One work order.

        Args:
            work_order_request_id: The `WorkOrderRequest.id`.

        Returns:
            Wire: json:api document.

        Source:
            Bitex developer guide, Concierge, "Show Work Order Request".
        """
        ...

    @private("GET /reseller/work_order_requests", access=Access.RESELLER)
    async def work_order_requests(self) -> WorkOrderRequests:
        """All work orders.

        Returns:
            A sequence of `WorkOrderRequest`. Wire: json:api document.

        Source:
            Bitex developer guide, Concierge, "List Work Order Requests".
        """
        ...
