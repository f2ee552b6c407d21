"""Work orders of the Concierge, with their inputs, outputs and users.

Bitex returns json:api documents. There inputs, outputs and users are listed beside the order; here they are inside it.
Who is paid, and how, is not in ``repr``.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, cast

from attrs import field

from exchanges.bitex.models.jsonapi import Resource, ResourceId, Resources, build_resource, compact, expand, flatten
from exchanges.bitex.models.places import Country, CurrencyCode
from exchanges.values import frozen
from exchanges.wire import IsoTime, Model, OpenStrEnum, RawJson

if TYPE_CHECKING:
    from exchanges.bitex.models.jsonapi import Object


class WorkOrderStatus(OpenStrEnum):
    """The state of a work order."""

    RECEIVED = "received"
    """Under review."""
    WAITING_FOR_INPUTS = "waiting_for_inputs"
    """Accepted; the instructions say how to fund its inputs."""
    SENDING_TO_OUTPUTS = "sending_to_outputs"
    """The payees are being paid."""
    DONE = "done"
    """Every payee has been paid."""
    CANCELLED = "cancelled"
    """Cancelled, usually before it was funded."""


@frozen(kw_only=True)
class _Part(Resource):
    """A work order or a part of one."""

    id: ResourceId
    """Unique among resources of its type."""


@frozen(kw_only=True)
class WorkOrderUser(_Part, Model):
    """A payer or payee. Wire: json:api resource of type ``users``.

    Source:
        Bitex developer guide, Concierge, "Create Work Order Request".
    """

    resource_type = "users"

    email: str | None = field(default=None, repr=False)
    """E-mail address; None, here and in the fields below, if the document does not contain it."""
    kyc_profile_id: int | None = None
    """The user's `KycProfile`."""
    name: str | None = field(default=None, repr=False)
    """Given and family name."""


@frozen(kw_only=True)
class _UserPart(_Part):
    """An input or output: what one user pays or is paid. None means not known yet, unless said otherwise."""

    related = ("user",)

    concierge_fee_percent: Decimal | None = None
    """Percent: the fee of the Concierge."""
    user: WorkOrderUser | None = None
    """The payer of an input, the payee of an output; None if the document does not include users."""


@frozen(kw_only=True)
class _PartnerPart(_UserPart):
    """An input or output in money, which a partner receives or sends: the partner buys or sells BTC for it."""

    currency: CurrencyCode | None = None
    """The currency of *amount*."""
    country: Country | None = None
    """The country that it is sent from, or in which the payee is paid."""
    broker_bitcoin_price: Decimal | None = None
    """Price of a BTC at which the partner buys, or sells; the guide names no currency."""
    partner_fee_percent: Decimal | None = None
    """Percent: the fee of the partner."""
    tax_invoice_number: str | None = None
    """Number of the partner's invoice; None until there is one."""


@frozen(kw_only=True)
class WorkOrderInput(_PartnerPart, Model):
    """Money that is sent to the Concierge. Wire: json:api resource of type ``work_order_request_inputs``.

    Money moves between countries as BTC: the difference between its buying and selling price is a cost too.

    Source:
        Bitex developer guide, Concierge, "Create Work Order Request".
    """

    resource_type = "work_order_request_inputs"

    amount: Decimal | None = None
    """In *currency*: what is sent; None if it was left open and is not quoted yet."""
    instructions: RawJson | None = field(default=None, repr=False)
    """How to send it: an object with a method, complete once the status is WAITING_FOR_INPUTS; None before."""
    cash_in_fee_percent: Decimal | None = None
    """Percent: the fee of the payer's and the partner's bank; None until known, like the amounts and fees below."""
    cash_in_fee_fixed: Decimal | None = None
    """The fixed fee of the same banks; the guide names no currency."""
    fiat_received_by_partner: Decimal | None = None
    """What the partner receives after all fees, possibly in another currency than *currency*."""
    bitcoins_produced: Decimal | None = None
    """BTC bought with it."""


@frozen(kw_only=True)
class WorkOrderBitcoinInput(_UserPart, Model):
    """BTC that are sent to the Concierge. Wire: json:api resource of type ``work_order_request_bitcoin_inputs``.

    Source:
        Bitex developer guide, Concierge, "Create Work Order Request".
    """

    resource_type = "work_order_request_bitcoin_inputs"

    # Null in the request as in the answer: the one amount that is left open until the order is quoted.
    amount: Decimal | None = None
    """BTC to send; None if it was left open and is not quoted yet."""
    instructions: RawJson | None = field(default=None, repr=False)
    """How to send them: an object with the address; None until known."""
    bitcoins_credited: Decimal | None = None
    """BTC received and confirmed so far; None until known."""


@frozen(kw_only=True)
class PricingSummary(Model):
    """A summary of what one output cost; inputs and outputs have the exact details. Wire: object.

    None means not known.

    Source:
        Bitex developer guide, Concierge, "Create Work Order Request".
    """

    amount_received: Decimal | None = None
    """In *currency_received*: what the payee receives."""
    amount_sent: Decimal | None = None
    """In *currency_sent*: the part of the inputs that was spent on it."""
    # Quirk: the codes of a summary are in lower case, all others of the same document in capitals (sample of the
    # guide).
    currency_received: str | None = None
    """Currency code in lower case."""
    currency_sent: str | None = None
    """Currency code in lower case."""
    exchange_rate: Decimal | None = None
    """*currency_received* per *currency_sent*."""
    fee: Decimal | None = None
    """In *currency_received*: all fees."""


@frozen(kw_only=True)
class WorkOrderOutput(_PartnerPart, Model):
    """Money that is paid to one payee. Wire: json:api resource of type ``work_order_request_outputs``.

    Source:
        Bitex developer guide, Concierge, "Create Work Order Request".
    """

    resource_type = "work_order_request_outputs"

    amount: Decimal | None = None
    """In *currency*: what the payee receives after all fees; None if it was left open and is not quoted yet."""
    user_id: int | None = None
    """The payee, a user of the reseller."""
    withdrawal_instruction_id: int | None = None
    """How the payee is paid: the `WithdrawalInstruction.id`."""
    fiat_sent_by_partner: Decimal | None = None
    """What the partner sends, possibly in another currency than *currency*."""
    cash_out_fee_percent: Decimal | None = None
    """Percent: the fee of the payee's and the partner's bank."""
    cash_out_fee_fixed: Decimal | None = None
    """The fixed fee of the same banks; the guide names no currency."""
    friendly_pricing_summary: PricingSummary | None = None
    """What it cost; None until known, and for some outputs always."""


@frozen(kw_only=True)
class WorkOrderRequest(_Part, Model):
    """One payment from you to several payees. Wire: json:api document.

    Source:
        Bitex developer guide, Concierge, "Create Work Order Request".
    """

    resource_type = "work_order_requests"
    related = ("inputs", "bitcoin_inputs", "outputs")

    payer_id: int
    """The user of the reseller who pays."""
    status: WorkOrderStatus
    """The state of the order."""
    should_confirm_quote: bool
    """Whether the staff call you before the payees are paid, as prices may have changed."""
    bitcoin_rebate: Decimal
    """BTC returned to your balance because the order was cheaper than quoted."""
    updated_at: IsoTime
    """UTC: when the order last changed."""
    inputs: tuple[WorkOrderInput, ...] = ()
    """Money sent to the Concierge."""
    bitcoin_inputs: tuple[WorkOrderBitcoinInput, ...] = ()
    """BTC sent to the Concierge."""
    outputs: tuple[WorkOrderOutput, ...] = ()
    """Payments to the payees."""

    @property
    def users(self) -> tuple[WorkOrderUser, ...]:
        """All payers and payees, each once."""
        users = (part.user for part in (*self.inputs, *self.bitcoin_inputs, *self.outputs))
        # A dictionary keeps the order: one user may pay several inputs.
        return tuple(dict.fromkeys(user for user in users if user is not None))

    @classmethod
    def from_wire(cls, value: Object) -> Object:
        """Read a document about one order, or one order of a document about several."""
        # In a list the orders have been expanded already, with the document around them.
        return flatten(expand(value)["data"] if "data" in value else value, cls.resource_type)

    @classmethod
    def to_wire(cls, value: Object) -> Object:
        """Build a document about one order."""
        parts = {name: value.get(name, []) for name in cls.related}
        return compact({"data": build_resource({**value, **parts}, cls.resource_type, cls.related)})


@frozen
class WorkOrderRequests(Resources[WorkOrderRequest], Model):
    """Work orders: an immutable sequence. Wire: json:api document.

    Source:
        Bitex developer guide, Concierge, "List Work Order Requests".
    """

    data: tuple[WorkOrderRequest, ...]
    """The orders, in the exchange's order."""

    @classmethod
    def to_wire(cls, value: Object) -> Object:
        """Build a document about several orders from one about each."""
        # Expanded again, the orders can share one ``included``.
        return compact({**value, "data": [expand(order)["data"] for order in cast("list[Object]", value["data"])]})
