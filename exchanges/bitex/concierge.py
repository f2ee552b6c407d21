"""The Concierge: one payment to several payees in other countries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, TypeGuard, TypeVar

import attrs

from exchanges.bitex.api import API
from exchanges.bitex.checks import ECHOED_ID
from exchanges.bitex.models.concierge import WorkOrderRequest, WorkOrderRequests
from exchanges.bitex.models.places import Country, CurrencyCode
from exchanges.endpoint import JSON, MONEY, Access, Area, Param, private
from exchanges.endpoint.arguments import money
from exchanges.values import frozen
from exchanges.wire import Amount, Model

if TYPE_CHECKING:
    from exchanges.wire import Json

# The guide lists all countries and currencies but these for the Concierge.
COUNTRIES = frozenset(Country) - {Country.CO, Country.UY}
CURRENCIES = frozenset(CurrencyCode) - {CurrencyCode.COP, CurrencyCode.UYU}


@frozen(kw_only=True)
class Input(Model):
    """Money to send to the Concierge.

    Source:
        Bitex developer guide, Concierge, "Create Work Order Request".
    """

    amount: Amount | None = None
    """In *currency*; None leaves it open: it is quoted so that all payees receive their amounts."""
    country: str
    """The country that it is sent from, a `Country`."""
    currency: str
    """The currency of *amount*, a `CurrencyCode`."""


@frozen(kw_only=True)
class BitcoinInput(Model):
    """BTC to send to the Concierge.

    Source:
        Bitex developer guide, Concierge, "Create Work Order Request".
    """

    amount: Amount | None = None
    """BTC; None leaves it open: it is quoted so that all payees receive their amounts."""


@frozen(kw_only=True)
class Output(Model):
    """Money that the Concierge pays to one payee.

    Source:
        Bitex developer guide, Concierge, "Create Work Order Request".
    """

    user_id: int
    """The payee: a user of this reseller."""
    country: str
    """The country in which the payee is paid, a `Country`."""
    currency: str
    """The currency of *amount*, a `CurrencyCode`."""
    amount: Amount | None = None
    """In *currency*; None leaves it open: this payee receives what is left, and so bears the costs."""
    withdrawal_instruction_id: int
    """How the payee is paid: one of their own withdrawal instructions."""


P = TypeVar("P", Input, BitcoinInput, Output)
_CODES: dict[str, frozenset[str]] = {"country": COUNTRIES, "currency": CURRENCIES}


def _is_sequence(values: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(values, Sequence) and not isinstance(values, str | bytes)


def _parts(kind: type[P], values: object) -> list[P]:
    """Convert a sequence of *kind*, or of mappings with its fields."""
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


def _rendered(name: str, value: object) -> Json:
    if name == "amount":
        return None if value is None else Decimal(money(value))
    if name in _CODES:
        if not isinstance(value, str) or value not in _CODES[name]:
            raise ValueError(f"must be one of {', '.join(sorted(_CODES[name]))}")
        return str.__str__(value)
    if type(value) is not int or value < 1:
        raise ValueError("must be an id, an int above zero")
    return value


def _list_of(kind: type[P]) -> Param:
    def render(values: object) -> Json:
        rows: list[Json] = []
        for part in _parts(kind, values):
            row: dict[str, Json] = {}
            for name, value in attrs.asdict(part, recurse=False).items():
                try:
                    row[name] = _rendered(name, value)
                except (TypeError, ValueError) as error:
                    raise ValueError(f"[{len(rows)}].{name} {error}") from None
            rows.append(row)
        return rows or None  # an empty list is not sent

    return Param(type="list", render=render)


def _fault_of_order(arguments: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the amounts of inputs and outputs together."""
    inputs = [part.amount for part in _parts(Input, arguments.get("inputs") or ())]
    inputs += [part.amount for part in _parts(BitcoinInput, arguments.get("bitcoin_inputs") or ())]
    outputs = [part.amount for part in _parts(Output, arguments["outputs"])]
    if not inputs or not outputs:
        return "a work order needs an input or bitcoin input, and an output"
    # With no open amount nobody would bear the costs, with two it would not be determined who does.
    left_open = (inputs + outputs).count(None)
    return None if left_open == 1 else f"exactly one amount must be open (None): who bears the costs; got {left_open}"


class Concierge(Area, api=API):
    """Pay several people in their own currencies, through a network of partners of Bitex.

    For resellers. Payer and payees are users of the reseller, and each payee has a withdrawal instruction. A work
    order lists inputs and outputs, and leaves one amount open: that of an input, to pay whatever it costs that all
    payees receive their amounts; or that of an output, to spend a fixed amount of which this payee receives the rest.

    Bitex reviews the order, usually accepts it, and explains by phone or in the instructions of the inputs how to fund
    it. Read it until it is DONE, or use `Webhooks`. Prices move until the money has arrived. What was paid too much is
    returned in BTC.
    """

    __slots__ = ()

    @private("POST /reseller/work_order_requests", kind=MONEY, access=Access.RESELLER, body=JSON, check=_fault_of_order)
    async def create_work_order_request(
        self,
        *,
        payer_id: int,
        # No echo: the guide's own sample returns another value than it sends.
        should_confirm_quote: Annotated[bool | None, Param(echo=None)] = None,
        inputs: Annotated[Sequence[Input], _list_of(Input)] = (),
        bitcoin_inputs: Annotated[Sequence[BitcoinInput], _list_of(BitcoinInput)] = (),
        outputs: Annotated[Sequence[Output], _list_of(Output)],
    ) -> WorkOrderRequest:
        """Create a work order: receive money and pay it out.

        Exactly one amount among *inputs*, *bitcoin_inputs* and *outputs* is None. Plain mappings with the same fields
        are accepted too.

        Args:
            payer_id: The payer: a user of this reseller.
            should_confirm_quote: Whether the staff call you once the inputs are funded, so that you can wait for a
                better price. By default the order proceeds at the best price available.
            inputs: Money to send to the Concierge.
            bitcoin_inputs: BTC to send to the Concierge.
            outputs: Payments to the payees.

        Returns:
            The order with status RECEIVED. Wire: json:api document.

        Source:
            Bitex developer guide, Concierge, "Create Work Order Request".
        """
        ...

    @private("GET /reseller/work_order_requests/{work_order_request_id}", access=Access.RESELLER)
    async def work_order_request(self, work_order_request_id: Annotated[int, ECHOED_ID]) -> WorkOrderRequest:
        """Return one work order.

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
        """Return all work orders.

        Returns:
            A sequence of `WorkOrderRequest`. Wire: json:api document.

        Source:
            Bitex developer guide, Concierge, "List Work Order Requests".
        """
        ...
