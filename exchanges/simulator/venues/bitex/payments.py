"""Payments in coins, from the quote to the balance, and what is posted on the way.

PENDING until the expected coins are on their way (SEEN), confirmed (DONE) and, a minute later, credited and sold
(SETTLED). Where nothing is seen within the hour it is EXPIRED; where what was seen is not confirmed within two hours,
CANCELLED. Coins that come too late, too few or too many are credited as any others.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from attrs import define, evolve, field

from exchanges.bitex import Address
from exchanges.bitex.models.payments import Currency, Payment, PaymentAddress, PaymentStatus, PointOfSale
from exchanges.simulator.engine.balances import product, quotient
from exchanges.simulator.engine.rejections import Reason, Refused
from exchanges.simulator.engine.snapshots import Shared
from exchanges.simulator.engine.store import Shelf
from exchanges.simulator.venues.bitex.base import MINUTE_MS, BitexAccount, account_of, amount_of
from exchanges.simulator.venues.bitex.funding import CONFIRMED_MS, FundingCounter
from exchanges.simulator.venues.bitex.rates import USD_PER_UNIT
from exchanges.simulator.venues.venue import Call, handles, second
from exchanges.simulator.webhooks import is_loopback
from exchanges.wire import Json, encode

__all__ = ["PaymentCounter", "url_of"]

VALID_MS, QUOTED_MS, LOST_MS, SETTLED_MS = 60 * MINUTE_MS, 15 * MINUTE_MS, 120 * MINUTE_MS, MINUTE_MS
WORTH_SELLING = Decimal(2)
MOST_PAYMENTS = 500
_SLUG = re.compile(r"[a-z0-9-]+", re.ASCII)
_AWAITED = (PaymentStatus.PENDING, PaymentStatus.SEEN)


@define(eq=False)
class _Tab(Shared):
    """What belongs to a payment and is not shown: who is told, and the coins that wait to be settled."""

    account: BitexAccount
    callback_url: str | None
    coins: list[Decimal] = field(factory=list[Decimal])


@define(eq=False, slots=False)
class PaymentCounter(FundingCounter):
    """Quotes, waits for coins, settles, and tells at each change of the status."""

    all_payments: Shelf[Payment] = field(init=False, factory=Shelf[Payment])
    points_of_sale: dict[int, PointOfSale] = field(init=False, factory=dict[int, PointOfSale])
    _tabs: dict[int, _Tab] = field(init=False, factory=dict[int, _Tab])

    @handles("bitex.payments.create_payment")
    def create_payment(self, call: Call) -> object:
        """Quote an amount, and wait for it."""
        account, arguments, now_ms = account_of(call), call.arguments, call.now_ms
        currency = Currency(arguments.integer("currency_id"))
        if currency is not Currency.BTC and currency.name not in USD_PER_UNIT:
            raise Refused(Reason.WRONG_ARGUMENT, "currency_id")
        number, amount = self.all_payments.next_id(), amount_of(call, "amount")
        callback_url = url_of(call, "callback_url") if "callback_url" in arguments.values else None
        address = self.make_address(account, payment_id=number)
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
        self._tabs[number] = _Tab(account, callback_url)
        self.diary.at(requoted_ms, lambda at_ms: self._requote(number, at_ms))
        self.diary.at(now_ms + VALID_MS, lambda at_ms: self._give_up(number, PaymentStatus.EXPIRED, at_ms))
        return self.all_payments.put(account.user_id, number, payment)

    @handles("bitex.payments.payment")
    def payment(self, call: Call) -> object:
        """Find a payment."""
        return self.all_payments.find(account_of(call).user_id, call.arguments.integer("payment_id"))

    @handles("bitex.payments.payments")
    def payments(self, call: Call) -> object:
        """List payments, newest first."""
        wanted = call.arguments.words("status")
        every = self.all_payments.of(account_of(call).user_id)
        return [payment for payment in every if wanted in (None, payment.status.value)][:MOST_PAYMENTS]

    @handles("bitex.payments.setup_pos")
    def setup_pos(self, call: Call) -> object:
        """Store settings; those that are not given stay."""
        mine, slug = account_of(call).user_id, call.arguments.words("merchant_slug")
        others = {pos.merchant_slug for user_id, pos in self.points_of_sale.items() if user_id != mine}
        if slug is not None and (slug in others or not _SLUG.fullmatch(slug)):
            raise Refused(Reason.WRONG_ARGUMENT, "merchant_slug")
        texts: dict[str, Any] = {n: v for n, v in call.arguments.values.items() if isinstance(v, str)}
        keep = _percentage(call, "merchant_keep")
        known = self.points_of_sale.get(mine, PointOfSale(merchant_keep=Decimal(0)))
        changed = evolve(known, **texts)
        self.points_of_sale[mine] = changed if keep is None else evolve(changed, merchant_keep=keep)
        return self.points_of_sale[mine]

    # Coins

    def pay(self, payment_id: int, quantity: Decimal | None, now_ms: int, *, confirms: bool = True) -> None:
        """Send coins to the address of a payment: as many as are expected, unless said.

        Raises:
            KeyError: There is no such payment.
        """
        sent = self._payment(payment_id).expected_quantity if quantity is None else quantity
        self._see(payment_id, sent, now_ms, confirms=confirms)

    def see_coins(self, account: BitexAccount, address: Address, quantity: Decimal, now_ms: int) -> None:
        """Take coins for a payment if they come to the address of one."""
        if address.payment_id is None:
            super().see_coins(account, address, quantity, now_ms)
        else:
            self._see(address.payment_id, quantity, now_ms, confirms=True)

    def _see(self, number: int, quantity: Decimal, now_ms: int, *, confirms: bool) -> None:
        payment = self._payment(number)
        seen = evolve(payment, unconfirmed_quantity=payment.unconfirmed_quantity + quantity)
        if payment.status is PaymentStatus.PENDING and seen.unconfirmed_quantity >= _wanted(payment):
            seen = evolve(seen, status=PaymentStatus.SEEN)
            self.diary.at(now_ms + LOST_MS, lambda at_ms: self._give_up(number, PaymentStatus.CANCELLED, at_ms))
        self._change(seen, now_ms)
        if confirms:
            self.diary.at(now_ms + CONFIRMED_MS, lambda at_ms: self._confirm(number, quantity, at_ms))

    def _confirm(self, number: int, quantity: Decimal, now_ms: int) -> None:
        payment, tab = self._payment(number), self._tabs[number]
        payment = evolve(payment, confirmed_quantity=payment.confirmed_quantity + quantity)
        if payment.status not in _AWAITED:
            self.credit_btc(tab.account, quantity, now_ms)
            if payment.status in (PaymentStatus.DONE, PaymentStatus.SETTLED):
                payment = evolve(payment, overpaid=(payment.overpaid or 0) + quantity)
        else:
            tab.coins.append(quantity)
            if payment.confirmed_quantity >= _wanted(payment):
                overpaid = max(Decimal(0), payment.confirmed_quantity - payment.expected_quantity)
                payment = evolve(payment, status=PaymentStatus.DONE, overpaid=overpaid)
                self.diary.at(now_ms + SETTLED_MS, lambda at_ms: self._settle(number, at_ms))
        self._change(payment, now_ms)

    def _settle(self, number: int, now_ms: int) -> None:
        """Credit the coins, and sell what is not to be kept."""
        payment, tab = self._payment(number), self._tabs[number]
        total = self._credit(tab, now_ms)
        kept = total
        if payment.currency_id is not Currency.BTC:
            kept = product(total, (payment.keep or Decimal(0)) / 100)
            if product(total - kept, self._price(now_ms)) < WORTH_SELLING:
                kept = total
        settled: Payment = evolve(payment, settlement_currency_id=Currency.BTC, settlement_amount=kept)
        if kept < total:
            ask = self.floor.sell_now(tab.account.desk, total - kept, now_ms, f"Payment#{number}")
            usd, kept = ask.produced_amount, kept + ask.remaining_amount
            settled = evolve(payment, settlement_currency_id=Currency.USD, settlement_amount=usd)
        if payment.currency_id is not Currency.BTC:
            settled = evolve(settled, kept=kept)
        self._change(evolve(settled, status=PaymentStatus.SETTLED), now_ms)

    def _give_up(self, number: int, status: PaymentStatus, now_ms: int) -> None:
        """End a payment that still is what it was; what has come of it is credited as coins."""
        payment = self._payment(number)
        stuck = PaymentStatus.PENDING if status is PaymentStatus.EXPIRED else PaymentStatus.SEEN
        if payment.status is stuck:
            self._credit(self._tabs[number], now_ms)
            self._change(evolve(payment, status=status), now_ms)

    def _credit(self, tab: _Tab, now_ms: int) -> Decimal:
        for quantity in tab.coins:
            self.credit_btc(tab.account, quantity, now_ms)
        total = sum(tab.coins, Decimal(0))
        tab.coins.clear()
        return total

    # Quotes

    def _price(self, now_ms: int) -> Decimal:
        return next(iter(self.markets.values())).price(now_ms)

    def _quote(self, currency: Currency, amount: Decimal, now_ms: int) -> Decimal:
        if currency is Currency.BTC:
            return amount
        return quotient(product(amount, USD_PER_UNIT[currency.name]), self._price(now_ms), up=True)

    def _requote(self, number: int, now_ms: int) -> None:
        payment = self._payment(number)
        if payment.status is not PaymentStatus.PENDING or second(now_ms) >= payment.valid_until:
            return
        quoted = evolve(
            payment,
            previous_expected_quantity=payment.expected_quantity,
            expected_quantity=self._quote(payment.currency_id, payment.amount, now_ms),
            last_quoted_on=second(now_ms),
            quote_valid_until=second(now_ms + QUOTED_MS),
        )
        self.all_payments.put(payment.user_id, number, quoted)
        self.diary.at(now_ms + QUOTED_MS, lambda at_ms: self._requote(number, at_ms))

    # The record, and the post

    def _payment(self, number: int) -> Payment:
        return self.all_payments.find(self.all_payments.owner(number), number)

    def _change(self, payment: Payment, now_ms: int) -> None:
        """Store a payment, and tell if its status is another."""
        before = self._payment(payment.id)
        self.all_payments.put(payment.user_id, payment.id, payment)
        if payment.status is not before.status:
            tab = self._tabs[payment.id]
            shown = encode(payment)
            address: Json = {"id": payment.id, "public_address": payment.address.public_address}
            told: Json = {**(shown if isinstance(shown, dict) else {}), "address": address}
            self.post(tab.callback_url, {}, {"api_key": tab.account.api_key, "payment": told}, now_ms)


def url_of(call: Call, name: str) -> str:
    """Take an address to post to: https, or http on this machine.

    Raises:
        Refused: It is anything else.
    """
    text = call.arguments.text(name)
    url = urlsplit(text)
    if not url.hostname or not (url.scheme == "https" or is_loopback(url)):
        raise Refused(Reason.WRONG_ARGUMENT, name, "debe ser https")
    return text


def _wanted(payment: Payment) -> Decimal:
    """Say how many coins make a payment done: of the last two quotes the lower one."""
    return min(payment.expected_quantity, payment.previous_expected_quantity or payment.expected_quantity)


def _percentage(call: Call, name: str) -> Decimal | None:
    if name not in call.arguments.values:
        return None
    percentage = call.arguments.decimal(name)
    if percentage > 100:
        raise Refused(Reason.WRONG_NUMBER, name)
    return percentage
