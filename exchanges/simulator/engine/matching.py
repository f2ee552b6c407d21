"""Where orders of accounts meet each other, and the strangers that make the public book.

Funds are held when an order is placed. It trades at once with whatever crosses it, at the price of what was there
before, best price first, of equal prices the accounts' orders first; the rest of it waits, or is given up if it takes
any price. Strangers move with the market, and so may come to meet an order that waits: at the price of that order.

Amounts are base currency throughout. Bitex, whose bids are amounts of money and go through stages, has a floor of its
own.
"""

from __future__ import annotations

import copy
from bisect import insort
from collections.abc import Iterator
from decimal import Decimal

from attrs import define, field, frozen

from exchanges.simulator.engine.balances import Party, Purse, Tally, product
from exchanges.simulator.engine.liquidity import Side, Strangers, better
from exchanges.simulator.engine.prices import BookFacts, Level, Market
from exchanges.simulator.engine.store import Numbers
from exchanges.simulator.engine.vault import Cause, Movement, Vault

__all__ = ["Order", "Pit", "Short", "Tariff"]


class Short(Exception):
    """Not enough funds for an order.

    Attributes:
        currency: Of what.
        needed: How much the order would hold.
        available: How much there is.
    """

    def __init__(self, currency: str, needed: Decimal, available: Decimal) -> None:
        super().__init__(f"{needed} {currency} needed, {available} available")
        self.currency = currency
        self.needed = needed
        self.available = available


@frozen
class Tariff:
    """What trades cost.

    Attributes:
        share: Fraction of each trade.
        in_quote: Whether the fee is always paid in quote currency; otherwise in what the order receives.
    """

    share: Decimal
    in_quote: bool


@define(eq=False)
class Order:
    """An order of an account.

    Attributes:
        id: Unique at the exchange.
        vault: Whose it is.
        book: Where it stands.
        side: What it wants.
        amount: Base.
        price: Quote per base; None for any price.
        placed_ms: Milliseconds since 1970.
        updated_ms: When it changed last.
        left: Base that did not trade.
        held: What it holds of the currency that it spends.
        cancelled: Whether what is left was given up.
    """

    id: int
    vault: Vault
    book: BookFacts
    side: Side
    amount: Decimal
    price: Decimal | None
    placed_ms: int
    updated_ms: int
    left: Decimal
    held: Decimal = Decimal(0)
    cancelled: bool = False

    def __deepcopy__(self, memo: dict[int, object]) -> Order:
        """Be in a picture what it is now; once it is over it stays so."""
        if not self.waits:
            return self
        picture = copy.copy(self)
        memo[id(self)] = picture
        picture.vault = copy.deepcopy(self.vault, memo)
        return picture

    @property
    def waits(self) -> bool:
        """Whether it stands in the book."""
        return bool(self.left) and not self.cancelled

    @property
    def limit(self) -> Decimal:
        """Its price, where it has one."""
        if self.price is None:
            raise TypeError("an order at any price does not wait")
        return self.price

    @property
    def spends(self) -> Purse:
        """What it is paid from."""
        return self.vault.purses[self.book.quote if self.side is Side.BUY else self.book.base]


@frozen
class _Offer:
    """What an order can trade with: that of an account, or a stranger's."""

    price: Decimal
    amount: Decimal
    order: Order | None = None


@frozen
class _Deal:
    """What changes hands: *quantity* of base for *cost* in quote."""

    quantity: Decimal
    cost: Decimal
    price: Decimal
    at_ms: int


@define(eq=False)
class Pit:
    """Takes the orders of one book and lets them trade.

    Args:
        market: The book of strangers.
        tally: Moves the money.
        tariff: What trades cost.
        order_ids: Numbers for orders, of all books.
        movement_ids: Numbers for what moves money.
    """

    market: Market
    _tally: Tally
    _tariff: Tariff
    _order_ids: Numbers
    _movement_ids: Numbers
    _strangers: Strangers = field(init=False)
    _waiting: dict[Side, list[Order]] = field(factory=lambda: {side: list[Order]() for side in Side}, init=False)

    def __attrs_post_init__(self) -> None:
        self._strangers = Strangers(self.market)

    def __deepcopy__(self, memo: dict[int, object]) -> Pit:
        """Show in a picture the orders that wait now; strangers belong to no picture."""
        picture = copy.copy(self)
        picture._waiting = copy.deepcopy(self._waiting, memo)  # noqa: SLF001 - of the same class
        return picture

    def place(self, vault: Vault, side: Side, amount: Decimal, price: Decimal | None, now_ms: int) -> Order:
        """Take an order, and let it trade.

        Raises:
            Short: The funds do not suffice.
        """
        order = Order(0, vault, self.market.facts, side, amount, price, now_ms, now_ms, amount)
        needed = self._needed_now(order, now_ms) if price is None else self._needed(order)
        if needed > order.spends.available:
            facts = self.market.facts
            raise Short(facts.quote if side is Side.BUY else facts.base, needed, order.spends.available)
        order.id = next(self._order_ids)
        self._hold(order)
        self._take(order, now_ms)
        if order.left and price is None:
            order.cancelled = True
        elif order.left:
            insort(self._waiting[side], order, key=_rank)
        return order

    def cancel(self, order: Order, now_ms: int) -> None:
        """Give up what is left of an order."""
        order.cancelled, order.updated_ms = True, now_ms
        self._waiting[order.side].remove(order)
        self._hold(order)

    def move_on(self, now_ms: int) -> None:
        """Let trade what strangers have come to meet."""
        for waiting in self._waiting.values():
            for order in tuple(waiting):
                self._meet(order, now_ms)
                if order.left:
                    break

    def waiting(self, vault: Vault) -> list[Order]:
        """List the orders of one account that wait."""
        return [order for orders in self._waiting.values() for order in orders if order.vault is vault]

    def levels(self, side: Side, now_ms: int) -> tuple[Level, ...]:
        """Look at one side of the book, best first; what stands at the same price is summed up."""
        strangers, mine = self._strangers.levels(side, now_ms), self._waiting[side]
        if not mine:
            return tuple(strangers)
        found = {level.price: level for level in strangers}
        for order in mine:
            there = found.get(order.limit)
            found[order.limit] = Level(order.limit, order.left + (there.amount if there else 0), order.id)
        return tuple(sorted(found.values(), key=lambda level: level.price, reverse=side is Side.BUY))

    def best(self, side: Side, now_ms: int) -> Decimal:
        """Give the best price of one side; where all depth is taken, that of the strangers who come next."""
        offer = next(self._offers(side, now_ms), None)
        if offer is not None:
            return offer.price
        now = self.market.snapshot(now_ms)
        return (now.bids if side is Side.BUY else now.asks)[-1].price

    # Within

    def _needed(self, order: Order) -> Decimal:
        """Say what an order must hold for what is left of it."""
        if order.price is None or not order.waits:
            return Decimal(0)
        if order.side is Side.SELL:
            return order.left
        most = 1 + self._tariff.share if self._tariff.in_quote else Decimal(1)
        return product(order.left, order.price * most, up=True)

    def _needed_now(self, order: Order, now_ms: int) -> Decimal:
        """Say what an order that takes any price would spend."""
        if order.side is Side.SELL:
            return order.left
        left, needed = order.left, Decimal(0)
        for offer in self._offers(Side.SELL, now_ms):
            quantity = min(left, offer.amount)
            cost = product(quantity, offer.price)
            needed += cost + (product(cost, self._tariff.share) if self._tariff.in_quote else 0)
            left -= quantity
            if not left:
                break
        return needed

    def _hold(self, order: Order) -> None:
        """Hold as much as an order needs now, neither more nor less."""
        needed = self._needed(order)
        order.spends.reserved += needed - order.held
        order.held = needed

    def _offers(self, side: Side, now_ms: int) -> Iterator[_Offer]:
        """List what stands on *side*, best first, at equal prices the accounts' orders first."""
        mine = iter(tuple(self._waiting[side]))
        order = next(mine, None)
        for level in self._strangers.levels(side, now_ms):
            while order is not None and not better(side.other, level.price, order.limit):
                yield _Offer(order.limit, order.left, order)
                order = next(mine, None)
            yield _Offer(level.price, level.amount)
        while order is not None:
            yield _Offer(order.limit, order.left, order)
            order = next(mine, None)

    def _take(self, order: Order, now_ms: int) -> None:
        """Trade a new order with whatever crosses it."""
        for offer in tuple(self._offers(order.side.other, now_ms)):
            if not order.left or (order.price is not None and better(order.side, order.price, offer.price)):
                return
            quantity = min(order.left, offer.amount)
            deal = _Deal(quantity, product(quantity, offer.price), offer.price, now_ms)
            if offer.order is None:
                self._strangers.take(order.side.other, offer.price, quantity, now_ms)
            self._trade(order, offer.order, deal)

    def _meet(self, order: Order, now_ms: int) -> None:
        """Trade an order that waits with the strangers who crossed it."""
        for level in tuple(self._strangers.levels(order.side.other, now_ms)):
            if not order.left or better(order.side, order.limit, level.price):
                return
            quantity = min(order.left, level.amount)
            self._strangers.take(order.side.other, level.price, quantity, now_ms)
            self._trade(order, None, _Deal(quantity, product(quantity, order.limit), order.limit, now_ms))

    def _trade(self, one: Order, other: Order | None, deal: _Deal) -> None:
        """Exchange base for quote; None is a stranger."""
        buyer, seller = (one, other) if one.side is Side.BUY else (other, one)
        for currency, amount, source, target in (
            (self.market.facts.quote, deal.cost, buyer, seller),
            (self.market.facts.base, deal.quantity, seller, buyer),
        ):
            giver = Party.STRANGERS if source is None else source.vault.purses[currency]
            taker = Party.STRANGERS if target is None else target.vault.purses[currency]
            self._tally.move(currency, amount, giver, taker)
        for order in (one, other):
            if order is not None:
                self._fill(order, deal)

    def _fill(self, order: Order, deal: _Deal) -> None:
        """Enter a trade on the side of one order, and take the fee."""
        facts, buys = order.book, order.side is Side.BUY
        in_base = buys and not self._tariff.in_quote
        fee_currency = facts.base if in_base else facts.quote
        fee = product(deal.quantity if in_base else deal.cost, self._tariff.share)
        self._tally.move(fee_currency, fee, order.vault.purses[fee_currency], Party.FEES)
        sign = 1 if buys else -1
        order.vault.movements.append(
            Movement(
                id=next(self._movement_ids),
                at_ms=deal.at_ms,
                cause=Cause.TRADE,
                amounts={facts.base: sign * deal.quantity, facts.quote: -sign * deal.cost},
                fee=fee,
                fee_currency=fee_currency,
                book=facts.name,
                order_id=order.id,
                price=deal.price,
            )
        )
        order.left -= deal.quantity
        order.updated_ms = deal.at_ms
        self._hold(order)
        waiting = self._waiting[order.side]
        if not order.left and order in waiting:
            waiting.remove(order)


def _rank(order: Order) -> tuple[Decimal, int]:
    return (-order.limit if order.side is Side.BUY else order.limit, order.id)
