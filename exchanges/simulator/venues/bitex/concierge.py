"""Work orders: stored, and returned as documents; money they move only where the guide would say how."""

from __future__ import annotations

from decimal import Decimal

from attrs import define, evolve, field

from exchanges.bitex import Country, CurrencyCode
from exchanges.bitex.models.concierge import (
    WorkOrderBitcoinInput,
    WorkOrderInput,
    WorkOrderOutput,
    WorkOrderRequest,
    WorkOrderRequests,
    WorkOrderStatus,
    WorkOrderUser,
)
from exchanges.simulator.engine.rejections import Reason, Refused
from exchanges.simulator.engine.store import Shelf
from exchanges.simulator.venues.bitex.base import BitexAccount, account_of
from exchanges.simulator.venues.bitex.funding import FundingCounter
from exchanges.simulator.venues.bitex.resellers import ResellerCounter
from exchanges.simulator.venues.venue import Call, handles, second
from exchanges.wire import Json, encode

__all__ = ["ConciergeCounter"]

Part = dict[str, Json]


@define(eq=False, slots=False)
class ConciergeCounter(ResellerCounter, FundingCounter):
    """Keeps work orders, and tells the reseller when one is created or moved on."""

    work_orders: Shelf[WorkOrderRequest] = field(init=False, factory=Shelf[WorkOrderRequest])
    _parts: Shelf[None] = field(init=False, factory=Shelf[None])

    @handles("bitex.concierge.create_work_order_request")
    def create_work_order_request(self, call: Call) -> object:
        """Take a work order."""
        reseller, arguments = account_of(call), call.arguments
        payer = self._party(reseller, arguments.integer("payer_id"), "payer_id")
        ways = [arguments.objects(name) for name in ("inputs", "bitcoin_inputs", "outputs")]
        if sum(part.get("amount") is None for way in ways for part in way) != 1:
            raise Refused(Reason.WRONG_ARGUMENT, "outputs", "un solo monto debe quedar abierto")
        order = WorkOrderRequest(
            id=self.work_orders.next_id(),
            payer_id=payer.id,
            status=WorkOrderStatus.RECEIVED,
            should_confirm_quote=arguments.flag("should_confirm_quote", default=False),
            bitcoin_rebate=Decimal(0),
            updated_at=second(call.now_ms),
            inputs=tuple(self._input(part, payer) for part in ways[0]),
            bitcoin_inputs=tuple(self._bitcoin_input(part, payer) for part in ways[1]),
            outputs=tuple(self._output(part, reseller) for part in ways[2]),
        )
        self.work_orders.put(reseller.user_id, order.id, order)
        self.post_to_webhook(reseller, encode(order), call.now_ms)
        return order

    @handles("bitex.concierge.work_order_request")
    def work_order_request(self, call: Call) -> object:
        """Find a work order."""
        return self.work_orders.find(account_of(call).user_id, call.arguments.integer("work_order_request_id"))

    @handles("bitex.concierge.work_order_requests")
    def work_order_requests(self, call: Call) -> object:
        """List work orders."""
        return WorkOrderRequests(tuple(self.work_orders.of(account_of(call).user_id)))

    def progress(self, work_order_id: int, status: WorkOrderStatus, now_ms: int) -> None:
        """Move a work order on, and tell.

        Raises:
            KeyError: There is no such order.
        """
        reseller = self.customers[self.work_orders.owner(work_order_id)]
        order = self.work_orders.find(reseller.user_id, work_order_id)
        order = evolve(order, status=status, updated_at=second(now_ms))
        self.work_orders.put(reseller.user_id, order.id, order)
        self.post_to_webhook(reseller, encode(order), now_ms)

    def _party(self, reseller: BitexAccount, user_id: int, about: str) -> WorkOrderUser:
        """Find who pays or is paid: the reseller, or one of his users."""
        user = self.customers.get(user_id)
        if user is None or reseller not in (user, user.owner):
            raise Refused(Reason.WRONG_ARGUMENT, about, "no existe")
        profile = self.profiles.find(user.user_id, user.kyc_profile_id)
        name = " ".join(filter(None, (profile.first_name, profile.last_name)))
        return WorkOrderUser(id=user_id, email=user.email, kyc_profile_id=profile.id, name=name or None)

    def _input(self, part: Part, payer: WorkOrderUser) -> WorkOrderInput:
        country, currency = _place(part, "inputs")
        return WorkOrderInput(
            id=self._parts.next_id(),
            currency=currency,
            amount=_amount(part, "inputs"),
            country=country,
            instructions={"method": "bank_transfer", "comments": None},
            user=payer,
        )

    def _bitcoin_input(self, part: Part, payer: WorkOrderUser) -> WorkOrderBitcoinInput:
        number = self._parts.next_id()
        return WorkOrderBitcoinInput(
            id=number,
            amount=_amount(part, "bitcoin_inputs"),
            instructions={"method": "bitcoin", "address": self.new_address(f"input {number}"), "comments": None},
            bitcoins_credited=Decimal(0),
            concierge_fee_percent=Decimal(1),
            user=payer,
        )

    def _output(self, part: Part, reseller: BitexAccount) -> WorkOrderOutput:
        user_id, instruction_id = part.get("user_id"), part.get("withdrawal_instruction_id")
        if not isinstance(user_id, int) or not isinstance(instruction_id, int):
            raise Refused(Reason.WRONG_ARGUMENT, "outputs")
        payee = self._party(reseller, user_id, "outputs")
        if not self.instructions.has(user_id, instruction_id):
            raise Refused(Reason.WRONG_ARGUMENT, "outputs", "la instrucción no existe")
        country, currency = _place(part, "outputs")
        return WorkOrderOutput(
            id=self._parts.next_id(),
            amount=_amount(part, "outputs"),
            country=country,
            currency=currency,
            user_id=user_id,
            withdrawal_instruction_id=instruction_id,
            user=payee,
        )


def _amount(part: Part, about: str) -> Decimal | None:
    amount = part.get("amount")
    if amount is None:
        return None
    if isinstance(amount, bool) or not isinstance(amount, int | Decimal) or amount <= 0:
        raise Refused(Reason.WRONG_NUMBER, about)
    return Decimal(amount)


def _place(part: Part, about: str) -> tuple[Country, CurrencyCode]:
    country, currency = part.get("country"), part.get("currency")
    if country not in set(Country) or currency not in set(CurrencyCode):
        raise Refused(Reason.WRONG_ARGUMENT, about)
    return Country(str(country)), CurrencyCode(str(currency))
