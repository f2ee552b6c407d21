"""Work orders of the Concierge: what is asked for, and what Bitex makes of it.

Bitex answers with json:api documents. Inputs, outputs and users stand beside the order there, and inside it here.
Who is paid, and how, does not print.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, ClassVar, cast, overload

from attrs import field, frozen

from exchanges.bitex.models.jsonapi import flat, folded, resource, unfolded
from exchanges.bitex.models.places import Country, CurrencyCode
from exchanges.wire import Deviation, IsoTime, Json, OpenStrEnum, RawJson

if TYPE_CHECKING:
    from exchanges.bitex.models.jsonapi import Object

__all__ = [
    "PricingSummary",
    "WorkOrderBitcoinInput",
    "WorkOrderInput",
    "WorkOrderOutput",
    "WorkOrderRequest",
    "WorkOrderRequests",
    "WorkOrderStatus",
    "WorkOrderUser",
]


class WorkOrderStatus(OpenStrEnum):
    """How far a work order has come."""

    RECEIVED = "received"
    """Being looked at."""
    WAITING_FOR_INPUTS = "waiting_for_inputs"
    """Accepted; the instructions say how to fund its inputs."""
    SENDING_TO_OUTPUTS = "sending_to_outputs"
    """The payees are being paid."""
    DONE = "done"
    """Everybody is paid."""
    CANCELLED = "cancelled"
    """Given up, mostly before it was funded."""


class _Id:
    """An id as a whole number; json:api writes it as text, the guide at times as a number."""

    def read(self, value: Json, *, strict: bool) -> int:  # noqa: ARG002 - both ways are documented
        if type(value) is int:
            return value
        if type(value) is str and value.removeprefix("-").isdecimal() and value.isascii() and len(value) <= 31:
            return int(value)
        raise Deviation("a whole number, or one as text")

    def write(self, value: int) -> Json:
        return str(value)


ResourceId = Annotated[int, _Id()]


@frozen(kw_only=True)
class _Resource:
    """A resource of a json:api document."""

    resource_type: ClassVar[str]
    related: ClassVar[tuple[str, ...]] = ()

    id: ResourceId
    """Unique among resources of its type."""

    @classmethod
    def from_wire(cls, value: Object) -> Object:
        """Read a resource that holds what it refers to."""
        return flat(value, cls.resource_type)

    @classmethod
    def to_wire(cls, value: Object) -> Object:
        """Make a resource that holds what it refers to."""
        return resource(value, cls.resource_type, cls.related)


@frozen(kw_only=True)
class WorkOrderUser(_Resource):
    """Who pays or is paid. Wire: json:api resource of type ``users``.

    Source:
        Bitex developer guide, Concierge, "Create Work Order Request".
    """

    resource_type = "users"

    email: str | None = field(default=None, repr=False)
    """None where the document does not say; so with all that follow."""
    kyc_profile_id: int | None = None
    """His KYC profile."""
    name: str | None = field(default=None, repr=False)
    """First and family name."""


@frozen(kw_only=True)
class WorkOrderInput(_Resource):
    """Money that goes into a work order. Wire: json:api resource of type ``work_order_request_inputs``.

    Bitcoin is what moves between countries: what its price on the way in and on the way out differ by is a cost too.

    Source:
        Bitex developer guide, Concierge, "Create Work Order Request".
    """

    resource_type = "work_order_request_inputs"
    related = ("user",)

    currency: CurrencyCode | None = None
    """What *amount* is counted in."""
    amount: Decimal | None = None
    """In *currency*: what is sent; None until it is quoted, where it was left open."""
    country: Country | None = None
    """Where it is sent from."""
    instructions: RawJson | None = field(default=None, repr=False)
    """How to send it, as an object with a method; complete once the order waits for its inputs."""
    cash_in_fee_percent: Decimal | None = None
    """Percent that the banks on the way in take; None until known, like all fees."""
    cash_in_fee_fixed: Decimal | None = None
    """What the banks on the way in take at any rate."""
    fiat_received_by_partner: Decimal | None = None
    """What is left for the partner, perhaps in another currency."""
    broker_bitcoin_price: Decimal | None = None
    """Price at which the partner buys bitcoin."""
    bitcoins_produced: Decimal | None = None
    """BTC that it became."""
    partner_fee_percent: Decimal | None = None
    """Percent that the partner takes."""
    concierge_fee_percent: Decimal | None = None
    """Percent that the Concierge takes."""
    tax_invoice_number: str | None = None
    """Of the partner's invoice."""
    user: WorkOrderUser | None = None
    """Who pays."""


@frozen(kw_only=True)
class WorkOrderBitcoinInput(_Resource):
    """BTC that go into a work order. Wire: json:api resource of type ``work_order_request_bitcoin_inputs``.

    Source:
        Bitex developer guide, Concierge, "Create Work Order Request".
    """

    resource_type = "work_order_request_bitcoin_inputs"
    related = ("user",)

    amount: Decimal | None = None
    """BTC to send; None until it is quoted, where it was left open."""
    instructions: RawJson | None = field(default=None, repr=False)
    """How to send them, as an object with the address."""
    bitcoins_credited: Decimal | None = None
    """BTC received and confirmed so far."""
    concierge_fee_percent: Decimal | None = None
    """Percent that the Concierge takes."""
    user: WorkOrderUser | None = None
    """Who pays."""


@frozen(kw_only=True)
class PricingSummary:
    """What one output cost, at a glance; the details of inputs and outputs are more exact. Wire: object.

    Source:
        Bitex developer guide, Concierge, "Create Work Order Request".
    """

    amount_received: Decimal | None = None
    """In *currency_received*: what the payee gets."""
    amount_sent: Decimal | None = None
    """In *currency_sent*: what of the inputs was spent on it."""
    currency_received: str | None = None
    """In lower case."""
    currency_sent: str | None = None
    """In lower case."""
    exchange_rate: Decimal | None = None
    """Received per sent."""
    fee: Decimal | None = None
    """In *currency_received*: all fees."""


@frozen(kw_only=True)
class WorkOrderOutput(_Resource):
    """Money that goes to one payee. Wire: json:api resource of type ``work_order_request_outputs``.

    Source:
        Bitex developer guide, Concierge, "Create Work Order Request".
    """

    resource_type = "work_order_request_outputs"
    related = ("user",)

    amount: Decimal | None = None
    """In *currency*: what the payee gets after all fees; None until it is quoted, where it was left open."""
    country: Country | None = None
    """Where the payee is paid."""
    currency: CurrencyCode | None = None
    """What *amount* is counted in."""
    user_id: int | None = None
    """Who is paid."""
    withdrawal_instruction_id: int | None = None
    """How he is paid."""
    concierge_fee_percent: Decimal | None = None
    """Percent that the Concierge takes; None until known, like all fees."""
    broker_bitcoin_price: Decimal | None = None
    """Price at which the partner sells bitcoin."""
    partner_fee_percent: Decimal | None = None
    """Percent that the partner takes."""
    fiat_sent_by_partner: Decimal | None = None
    """What the partner sends, perhaps in another currency than the payee gets."""
    cash_out_fee_percent: Decimal | None = None
    """Percent that the banks on the way out take."""
    cash_out_fee_fixed: Decimal | None = None
    """What the banks on the way out take at any rate."""
    tax_invoice_number: str | None = None
    """Of the partner's invoice."""
    friendly_pricing_summary: PricingSummary | None = None
    """What it cost; None until known, and for some outputs for ever."""
    user: WorkOrderUser | None = None
    """Who is paid."""


@frozen(kw_only=True)
class WorkOrderRequest(_Resource):
    """One payment from you to several payees. Wire: json:api document.

    Source:
        Bitex developer guide, Concierge, "Create Work Order Request".
    """

    resource_type = "work_order_requests"
    related = ("inputs", "bitcoin_inputs", "outputs")

    payer_id: int
    """The user who pays."""
    status: WorkOrderStatus
    """How far it has come."""
    should_confirm_quote: bool
    """Whether somebody calls you before the money goes on, as prices may have changed."""
    bitcoin_rebate: Decimal
    """BTC given back to your balance, as it was cheaper than quoted."""
    updated_at: IsoTime
    """When it last changed (UTC)."""
    inputs: tuple[WorkOrderInput, ...] = ()
    """The money that goes in."""
    bitcoin_inputs: tuple[WorkOrderBitcoinInput, ...] = ()
    """The BTC that go in."""
    outputs: tuple[WorkOrderOutput, ...] = ()
    """The money that comes out."""

    @property
    def users(self) -> tuple[WorkOrderUser, ...]:
        """Everybody who pays or is paid, once."""
        users = [part.user for part in self.inputs]
        users += [part.user for part in self.bitcoin_inputs]
        users += [part.user for part in self.outputs]
        return tuple(dict.fromkeys(user for user in users if user is not None))

    @classmethod
    def from_wire(cls, value: Object) -> Object:
        """Read a document about one order, or the order itself where it stood among others."""
        return flat(unfolded(value)["data"] if "data" in value else value, cls.resource_type)

    @classmethod
    def to_wire(cls, value: Object) -> Object:
        """Make a document about one order."""
        parts = {name: value.get(name, []) for name in cls.related}
        return folded({"data": resource({**value, **parts}, cls.resource_type, cls.related)})


@frozen
class WorkOrderRequests(Sequence[WorkOrderRequest]):
    """Work orders: a list that cannot be changed. Wire: json:api document.

    Source:
        Bitex developer guide, Concierge, "List Work Order Requests".
    """

    data: tuple[WorkOrderRequest, ...]
    """In the exchange's order."""

    @classmethod
    def from_wire(cls, value: Object) -> Object:
        """Read a document about several orders."""
        return unfolded(value)

    @classmethod
    def to_wire(cls, value: Object) -> Object:
        """Make a document about several orders, from one about each."""
        return folded({**value, "data": [unfolded(order)["data"] for order in cast("list[Object]", value["data"])]})

    @overload
    def __getitem__(self, index: int) -> WorkOrderRequest: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[WorkOrderRequest, ...]: ...
    def __getitem__(self, index: int | slice) -> WorkOrderRequest | tuple[WorkOrderRequest, ...]:
        return self.data[index]

    def __len__(self) -> int:
        return len(self.data)
