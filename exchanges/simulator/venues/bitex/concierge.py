"""Work orders: stored and returned as documents. They move no money, as the guide does not say how."""

from __future__ import annotations

from decimal import Decimal

from attrs import define, evolve, field

from exchanges.bitex import Country, CurrencyCode
from exchanges.bitex.concierge import Concierge
from exchanges.bitex.models import concierge as models
from exchanges.simulator.engine.rejections import Reason, Refused
from exchanges.simulator.engine.store import IdSequence, Store
from exchanges.simulator.venues.bitex.customers import BitexAccount, BitexCall, BitexHandlers, finds
from exchanges.simulator.venues.bitex.funding import FundingHandlers
from exchanges.simulator.venues.calls import second
from exchanges.simulator.venues.handlers import answers, handles
from exchanges.wire import Json, encode

__all__ = ["ConciergeHandlers"]

Part = dict[str, Json]


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
        return self._store(reseller, order, call.now_ms)

    def progress(self, work_order_id: int, status: models.WorkOrderStatus, now_ms: int) -> None:
        """Change the status of a work order.

        Raises:
            KeyError: There is no such order.
        """
        order = evolve(self.work_orders.find(work_order_id), status=status, updated_at=second(now_ms))
        self._store(self.customers.by_id[self.work_orders.owner(work_order_id)], order, now_ms)

    def _store(self, reseller: BitexAccount, order: models.WorkOrderRequest, now_ms: int) -> models.WorkOrderRequest:
        self.work_orders.put(reseller.user_id, order.id, order)
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
        country, currency = _place(part, "inputs")
        return models.WorkOrderInput(
            id=next(self._part_ids),
            currency=currency,
            amount=_amount(part, "inputs"),
            country=country,
            instructions={"method": "bank_transfer", "comments": None},
            user=payer,
        )

    def _bitcoin_input(self, part: Part, payer: models.WorkOrderUser) -> models.WorkOrderBitcoinInput:
        number = next(self._part_ids)
        address = self.customers.new_address(f"input {number}")
        return models.WorkOrderBitcoinInput(
            id=number,
            amount=_amount(part, "bitcoin_inputs"),
            instructions={"method": "bitcoin", "address": address, "comments": None},
            bitcoins_credited=Decimal(0),
            concierge_fee_percent=Decimal(1),
            user=payer,
        )

    def _output(self, part: Part, reseller: BitexAccount) -> models.WorkOrderOutput:
        user_id, instruction_id = part.get("user_id"), part.get("withdrawal_instruction_id")
        if not isinstance(user_id, int) or not isinstance(instruction_id, int):
            raise Refused(Reason.WRONG_ARGUMENT, "outputs")
        payee = self._party(reseller, user_id, "outputs")
        if not self.funding.instructions.has(user_id, instruction_id):
            raise Refused(Reason.WRONG_ARGUMENT, "outputs", "la instrucción no existe")
        country, currency = _place(part, "outputs")
        return models.WorkOrderOutput(
            id=next(self._part_ids),
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
