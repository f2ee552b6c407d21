"""Payments in coins, from the quote to the balance, and what is posted on the way.

A payment is PENDING until the expected coins are sent (SEEN), confirmed (DONE) and, a minute later, credited and sold
(SETTLED). It is EXPIRED if nothing is seen within the hour, and CANCELLED if what was seen is not confirmed within two
hours. Coins that come too late, too few or too many are credited as any others.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from attrs import define, evolve, field

from exchanges.bitex.models.payments import Currency, Payment, PaymentAddress, PaymentStatus, PointOfSale
from exchanges.bitex.payments import MAX_PAYMENTS, Payments
from exchanges.simulator.engine.balances import product, quotient
from exchanges.simulator.engine.prices import MINUTE_MS
from exchanges.simulator.engine.rejections import Reason, Refused, refuse_if
from exchanges.simulator.engine.snapshots import Shared
from exchanges.simulator.engine.store import Store
from exchanges.simulator.venues.bitex.customers import (
    BOOK,
    BitexAccount,
    BitexCall,
    BitexHandlers,
    amount_of,
    finds,
    url_of,
)
from exchanges.simulator.venues.bitex.funding import CONFIRMED_MS, FundingHandlers
from exchanges.simulator.venues.bitex.rates import USD_PER_UNIT
from exchanges.simulator.venues.bitex.trading import sell_at_once
from exchanges.simulator.venues.calls import second
from exchanges.simulator.venues.handlers import handles, lists
from exchanges.wire import Json, encode

VALID_MS, QUOTED_MS, LOST_MS, SETTLED_MS = 60 * MINUTE_MS, 15 * MINUTE_MS, 120 * MINUTE_MS, MINUTE_MS
WORTH_SELLING = Decimal(2)
_SLUG = re.compile(r"[a-z0-9-]+", re.ASCII)
_AWAITED = (PaymentStatus.PENDING, PaymentStatus.SEEN)


@define(eq=False)
class _Receipt(Shared):
    """The part of a payment that is not shown: whose it is, who is notified, confirmed coins not credited yet."""

    account: BitexAccount
    callback_url: str | None
    coins: list[Decimal] = field(factory=list[Decimal])


def _payments(handlers: PaymentHandlers, call: BitexCall) -> list[Payment]:
    status = call.arguments.words("status")
    every = handlers.all_payments.of(call.owner)
    return [payment for payment in every if status in (None, payment.status.value)][:MAX_PAYMENTS]


@define(eq=False)
class PaymentHandlers(BitexHandlers):
    """Payments, whose changes of status are posted, and the settings of a point of sale."""

    funding: FundingHandlers
    all_payments: Store[Payment] = field(init=False, factory=Store[Payment])
    points_of_sale: dict[int, PointOfSale] = field(init=False, factory=dict[int, PointOfSale])
    _receipts: dict[int, _Receipt] = field(init=False, factory=dict[int, _Receipt])

    payment = finds(Payments.payment, lambda self: self.all_payments, "payment_id")
    payments = lists(Payments.payments, _payments)

    @handles(Payments.create_payment)
    def create_payment(self, call: BitexCall) -> object:
        """Quote an amount, and wait for coins."""
        account, arguments, now_ms = call.account, call.arguments, call.now_ms
        currency = Currency(arguments.integer("currency_id"))
        if currency is not Currency.BTC and currency.name not in USD_PER_UNIT:
            raise Refused(Reason.WRONG_ARGUMENT, "currency_id")
        number, amount = self.all_payments.next_id(), amount_of(call, "amount")
        callback_url = url_of(call, "callback_url") if "callback_url" in arguments.values else None
        address = self.funding.new_address(account, payment_id=number)
        requoted_ms = now_ms + (VALID_MS if currency is Currency.BTC else QUOTED_MS)
        payment = Payment(
            id=number,
            user_id=account.user_id,
            amount=amount,
            currency_id=currency,
            expected_quantity=self._quote(currency, amount, now_ms),
            confirmed_quantity=Decimal(0),
            unconfirmed_quantity=Decimal(0),
            valid_until=second(now_ms + VALID_MS),
            quote_valid_until=second(requoted_ms),
            last_quoted_on=second(now_ms),
            status=PaymentStatus.PENDING,
            address=PaymentAddress(public_address=address.public_address, payment_id=number, auto_sell=False),
            keep=_percentage(call, "keep"),
            kept=Decimal(0),
            overpaid=Decimal(0),
            merchant_reference=arguments.words("merchant_reference"),
            customer_reference=arguments.words("customer_reference"),
        )
        self._receipts[number] = _Receipt(account, callback_url)
        self.engine.scheduler.at(requoted_ms, lambda at_ms: self._requote(number, at_ms))
        self._end_after(VALID_MS, number, PaymentStatus.EXPIRED, now_ms)
        return self.all_payments.put(account.user_id, number, payment)

    @handles(Payments.setup_pos)
    def setup_pos(self, call: BitexCall) -> object:
        """Store the settings that are given; the others stay."""
        slug = call.arguments.words("merchant_slug")
        others = {pos.merchant_slug for user_id, pos in self.points_of_sale.items() if user_id != call.owner}
        if slug is not None and (slug in others or not _SLUG.fullmatch(slug)):
            raise Refused(Reason.WRONG_ARGUMENT, "merchant_slug")
        changes: dict[str, Any] = {n: v for n, v in call.arguments.values.items() if isinstance(v, str)}
        if (keep := _percentage(call, "merchant_keep")) is not None:
            changes["merchant_keep"] = keep
        known = self.points_of_sale.get(call.owner, PointOfSale(merchant_keep=Decimal(0)))
        self.points_of_sale[call.owner] = evolve(known, **changes)
        return self.points_of_sale[call.owner]

    # Coins

    def pay(self, payment_id: int, quantity: Decimal | None, now_ms: int, *, confirms: bool = True) -> None:
        """Send coins to the address of a payment; None: as many as are expected.

        Raises:
            KeyError: There is no such payment.
        """
        payment = self.all_payments.find(payment_id)
        quantity = payment.expected_quantity if quantity is None else quantity
        seen = evolve(payment, unconfirmed_quantity=payment.unconfirmed_quantity + quantity)
        if payment.status is PaymentStatus.PENDING and seen.unconfirmed_quantity >= _needed(payment):
            seen = evolve(seen, status=PaymentStatus.SEEN)
            self._end_after(LOST_MS, payment_id, PaymentStatus.CANCELLED, now_ms)
        self._change(seen, now_ms)
        if confirms:
            self.engine.scheduler.at(now_ms + CONFIRMED_MS, lambda at_ms: self._confirm(payment_id, quantity, at_ms))

    def _confirm(self, number: int, quantity: Decimal, now_ms: int) -> None:
        payment, receipt = self.all_payments.find(number), self._receipts[number]
        payment = evolve(payment, confirmed_quantity=payment.confirmed_quantity + quantity)
        # Coins for a payment that has ended are an ordinary deposit.
        if payment.status not in _AWAITED:
            self.funding.credit_btc(receipt.account, quantity, now_ms)
            if payment.status in (PaymentStatus.DONE, PaymentStatus.SETTLED):
                payment = evolve(payment, overpaid=(payment.overpaid or 0) + quantity)
        else:
            receipt.coins.append(quantity)
            if payment.confirmed_quantity >= _needed(payment):
                overpaid = max(Decimal(0), payment.confirmed_quantity - payment.expected_quantity)
                payment = evolve(payment, status=PaymentStatus.DONE, overpaid=overpaid)
                self.engine.scheduler.at(now_ms + SETTLED_MS, lambda at_ms: self._settle(number, at_ms))
        self._change(payment, now_ms)

    def _settle(self, number: int, now_ms: int) -> None:
        """Credit the coins, and sell what is not to be kept."""
        payment, wallet = self.all_payments.find(number), self._receipts[number].account.wallet
        total = kept = self._credit(number, now_ms)
        in_coins = payment.currency_id is Currency.BTC
        # Too little to be worth a sale is kept, whatever the percentage.
        if not in_coins:
            kept = product(total, (payment.keep or Decimal(0)) / 100)
            if product(total - kept, self._price(now_ms)) < WORTH_SELLING:
                kept = total
        settled: Payment = evolve(payment, settlement_currency_id=Currency.BTC, settlement_amount=kept)
        if kept < total:
            ask = sell_at_once(self.engine, wallet, total - kept, now_ms, f"Payment#{number}")
            # What found no buyer is kept as coins.
            kept += ask.left
            settled = evolve(payment, settlement_currency_id=Currency.USD, settlement_amount=ask.received)
        if not in_coins:
            settled = evolve(settled, kept=kept)
        self._change(evolve(settled, status=PaymentStatus.SETTLED), now_ms)

    def _end_after(self, after_ms: int, number: int, status: PaymentStatus, now_ms: int) -> None:
        """End a payment later if its status is still the same then; its coins are credited as any others."""
        stuck = PaymentStatus.PENDING if status is PaymentStatus.EXPIRED else PaymentStatus.SEEN

        def end(at_ms: int) -> None:
            payment = self.all_payments.find(number)
            if payment.status is stuck:
                self._credit(number, at_ms)
                self._change(evolve(payment, status=status), at_ms)

        self.engine.scheduler.at(now_ms + after_ms, end)

    def _credit(self, number: int, now_ms: int) -> Decimal:
        receipt = self._receipts[number]
        for quantity in receipt.coins:
            self.funding.credit_btc(receipt.account, quantity, now_ms)
        total = sum(receipt.coins, Decimal(0))
        receipt.coins.clear()
        return total

    # Quotes

    def _price(self, now_ms: int) -> Decimal:
        return self.engine.market(BOOK).price(now_ms)

    def _quote(self, currency: Currency, amount: Decimal, now_ms: int) -> Decimal:
        if currency is Currency.BTC:
            return amount
        return quotient(product(amount, USD_PER_UNIT[currency.name]), self._price(now_ms), up=True)

    def _requote(self, number: int, now_ms: int) -> None:
        payment = self.all_payments.find(number)
        if payment.status is not PaymentStatus.PENDING or second(now_ms) >= payment.valid_until:
            return
        # Not posted: a new quote is no change of status.
        self.all_payments.change(
            number,
            previous_expected_quantity=payment.expected_quantity,
            expected_quantity=self._quote(payment.currency_id, payment.amount, now_ms),
            last_quoted_on=second(now_ms),
            quote_valid_until=second(now_ms + QUOTED_MS),
        )
        self.engine.scheduler.at(now_ms + QUOTED_MS, lambda at_ms: self._requote(number, at_ms))

    def _change(self, payment: Payment, now_ms: int) -> None:
        """Store a payment, and post it if its status changed."""
        before = self.all_payments.find(payment.id)
        self.all_payments.put(payment.user_id, payment.id, payment)
        if payment.status is not before.status:
            receipt, shown = self._receipts[payment.id], encode(payment)
            address: Json = {"id": payment.id, "public_address": payment.address.public_address}
            posted: Json = {**(shown if isinstance(shown, dict) else {}), "address": address}
            document: Json = {"api_key": receipt.account.api_key, "payment": posted}
            self.customers.post(receipt.callback_url, {}, document, now_ms)


def _needed(payment: Payment) -> Decimal:
    """Return how many coins complete a payment: the lower of the last two quotes."""
    return min(payment.expected_quantity, payment.previous_expected_quantity or payment.expected_quantity)


def _percentage(call: BitexCall, name: str) -> Decimal | None:
    if name not in call.arguments.values:
        return None
    percentage = call.arguments.decimal(name)
    refuse_if(percentage > 100, Reason.WRONG_NUMBER, name)
    return percentage
