"""Work orders: stored and returned as documents. They move no money, as the guide does not say how."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

from attrs import define, evolve, field

from exchanges.bitex import Country, CurrencyCode
from exchanges.bitex.concierge import Concierge
from exchanges.bitex.models import concierge as models
from exchanges.simulator.engine.rejections import Reason, Refused, refuse_if
from exchanges.simulator.engine.store import IdSequence, Store
from exchanges.simulator.venues.bitex.customers import BitexAccount, BitexCall, BitexHandlers, finds
from exchanges.simulator.venues.bitex.funding import FundingHandlers
from exchanges.simulator.venues.calls import second
from exchanges.simulator.venues.handlers import answers, handles
from exchanges.wire import Json, encode

Part = dict[str, Json]
P = TypeVar("P", models.WorkOrderInput, models.WorkOrderBitcoinInput, models.WorkOrderOutput)


@define(eq=False)
class ConciergeHandlers(BitexHandlers):
    """Work orders; the reseller is notified when one is created or changed."""

    funding: FundingHandlers
    work_orders: Store[models.WorkOrderRequest] = field(init=False, factory=Store[models.WorkOrderRequest])
    _part_ids: IdSequence = field(init=False, factory=IdSequence)

    work_order_request = finds(Concierge.work_order_request, lambda self: self.work_orders, "work_order_request_id")
    work_order_requests = answers(
        Concierge.work_order_requests,
        lambda self, call: models.WorkOrderRequests(tuple(self.work_orders.of(call.owner))),
    )

    @handles(Concierge.create_work_order_request)
    def create_work_order_request(self, call: BitexCall) -> object:
        """Create a work order."""
        reseller, arguments = call.account, call.arguments
        payer = self._party(reseller, arguments.integer("payer_id"), "payer_id")
        inputs, bitcoin_inputs, outputs = (arguments.objects(n) for n in ("inputs", "bitcoin_inputs", "outputs"))
        # The amount left open is calculated from all others, so there must be exactly one.
        if sum(part.get("amount") is None for part in (*inputs, *bitcoin_inputs, *outputs)) != 1:
            raise Refused(Reason.WRONG_ARGUMENT, "outputs", "un solo monto debe quedar abierto")
        order = models.WorkOrderRequest(
            id=self.work_orders.next_id(),
            payer_id=payer.id,
            status=models.WorkOrderStatus.RECEIVED,
            should_confirm_quote=arguments.flag("should_confirm_quote", default=False),
            bitcoin_rebate=Decimal(0),
            updated_at=call.now,
            inputs=tuple(self._input(part, payer) for part in inputs),
            bitcoin_inputs=tuple(self._bitcoin_input(part, payer) for part in bitcoin_inputs),
            outputs=tuple(self._output(part, reseller) for part in outputs),
        )
        return self._post(self.work_orders.put(reseller.user_id, order.id, order), call.now_ms)

    def progress(self, work_order_id: int, status: models.WorkOrderStatus, now_ms: int) -> None:
        """Change the status of a work order.

        Raises:
            KeyError: There is no such order.
        """
        self._post(self.work_orders.change(work_order_id, status=status, updated_at=second(now_ms)), now_ms)

    def _post(self, order: models.WorkOrderRequest, now_ms: int) -> models.WorkOrderRequest:
        reseller = self.customers.by_id[self.work_orders.owner(order.id)]
        self.customers.post_to_webhook(reseller, encode(order), now_ms)
        return order

    def _party(self, reseller: BitexAccount, user_id: int, about: str) -> models.WorkOrderUser:
        """Return who pays or is paid: the reseller, or one of their users."""
        user = self.customers.by_id.get(user_id)
        if user is None or reseller not in (user, user.created_by):
            raise Refused(Reason.WRONG_ARGUMENT, about, "no existe")
        profile = self.funding.kyc.default_of(user)
        name = " ".join(filter(None, (profile.first_name, profile.last_name)))
        return models.WorkOrderUser(id=user_id, email=user.email, kyc_profile_id=profile.id, name=name or None)

    def _input(self, part: Part, payer: models.WorkOrderUser) -> models.WorkOrderInput:
        place, instructions = _place(part, "inputs"), {"method": "bank_transfer", "comments": None}
        return self._part(models.WorkOrderInput, part, "inputs", payer, instructions=instructions, **place)

    def _bitcoin_input(self, part: Part, payer: models.WorkOrderUser) -> models.WorkOrderBitcoinInput:
        open_input = self._part(models.WorkOrderBitcoinInput, part, "bitcoin_inputs", payer)
        address = self.customers.new_address(f"input {open_input.id}")
        return evolve(
            open_input,
            instructions={"method": "bitcoin", "address": address, "comments": None},
            bitcoins_credited=Decimal(0),
            concierge_fee_percent=Decimal(1),
        )

    def _output(self, part: Part, reseller: BitexAccount) -> models.WorkOrderOutput:
        user_id, instruction_id = part.get("user_id"), part.get("withdrawal_instruction_id")
        if not isinstance(user_id, int) or not isinstance(instruction_id, int):
            raise Refused(Reason.WRONG_ARGUMENT, "outputs")
        payee = self._party(reseller, user_id, "outputs")
        if not self.funding.instructions.has(user_id, instruction_id):
            raise Refused(Reason.WRONG_ARGUMENT, "outputs", "la instrucción no existe")
        fields = {"user_id": user_id, "withdrawal_instruction_id": instruction_id, **_place(part, "outputs")}
        return self._part(models.WorkOrderOutput, part, "outputs", payee, **fields)

    def _part(self, kind: Callable[..., P], part: Part, about: str, user: models.WorkOrderUser, **fields: object) -> P:
        return kind(id=next(self._part_ids), amount=_amount(part, about), user=user, **fields)


def _amount(part: Part, about: str) -> Decimal | None:
    amount = part.get("amount")
    if amount is None:
        return None
    if isinstance(amount, bool) or not isinstance(amount, int | Decimal) or amount <= 0:
        raise Refused(Reason.WRONG_NUMBER, about)
    return Decimal(amount)


def _place(part: Part, about: str) -> dict[str, Country | CurrencyCode]:
    country, currency = part.get("country"), part.get("currency")
    refuse_if(country not in set(Country) or currency not in set(CurrencyCode), Reason.WRONG_ARGUMENT, about)
    return {"country": Country(str(country)), "currency": CurrencyCode(str(currency))}
