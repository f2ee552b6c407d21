"""Where orders meet: those of all accounts, and those of strangers that make the public book.

An order moves on by one stage with each later request: from RECEIVED to EXECUTING, where the funds are looked at and
held, or to CANCELLED if they do not suffice; from TO_CANCEL to CANCELLED. In the book it trades at once with whatever
crosses it, at the price of what was there before, best price first, of equal prices the accounts' orders first; the
rest of it waits. Strangers move with the market, and so may come to meet an order that waits.

What strangers offer is a pure function of the moment; what was taken of it is remembered here, for a minute.
"""

from __future__ import annotations

from bisect import insort
from decimal import Decimal
from typing import TypeAlias, TypeVar

from attrs import define, evolve, field, frozen

from exchanges.bitex import Ask, Bid, Buy, OrderReason, OrderStatus, Sell
from exchanges.simulator.engine.balances import Party, Tally, product, quotient
from exchanges.simulator.engine.liquidity import Side, Strangers, better
from exchanges.simulator.engine.prices import Level, Market
from exchanges.simulator.engine.snapshots import Shared
from exchanges.simulator.engine.store import Numbers
from exchanges.simulator.venues.bitex.orders import Desk, Reference
from exchanges.simulator.venues.venue import second

__all__ = ["FEE_PERCENT", "Floor"]

FEE_PERCENT = Decimal("0.5")
ANY_PRICE = Decimal("0.01")
_SHARE = FEE_PERCENT / 100

O = TypeVar("O", Bid, Ask)  # noqa: E741 - an order
Kind: TypeAlias = type[Bid] | type[Ask]
_SIDES: dict[Kind, Side] = {Bid: Side.BUY, Ask: Side.SELL}


@frozen(order=False, eq=False)
class _Waiting:
    """An order in the book."""

    rank: tuple[Decimal, int]
    price: Decimal
    desk: Desk
    reference: Reference


@frozen
class _Offer:
    """What an order could trade with: that of an account, or so much of a stranger's."""

    price: Decimal
    amount: Decimal | None = None
    waiting: _Waiting | None = None


@frozen
class _Deal:
    """What changes hands: *quantity* of BTC for *cost* in USD."""

    quantity: Decimal
    cost: Decimal
    price: Decimal
    at_ms: int


Buyer: TypeAlias = tuple[Desk, Bid] | None
Seller: TypeAlias = tuple[Desk, Ask] | None


@define(eq=False)
class Floor(Shared):
    """Takes orders, moves them on, lets them trade.

    Args:
        market: The book of strangers.
        tally: Moves the money.
    """

    _market: Market
    _tally: Tally
    _ids: Numbers = field(factory=Numbers, init=False)
    _trade_ids: Numbers = field(factory=Numbers, init=False)
    _moving: list[tuple[Desk, Reference]] = field(factory=list[tuple[Desk, Reference]], init=False)
    _bids: list[_Waiting] = field(factory=list[_Waiting], init=False)
    _asks: list[_Waiting] = field(factory=list[_Waiting], init=False)
    _strangers: Strangers = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._strangers = Strangers(self._market)

    def place(self, desk: Desk, kind: type[O], amount: Decimal, price: Decimal, now_ms: int) -> O:
        """Take an order; whether the funds suffice is looked at later."""
        order = self._new(kind, amount, price, now_ms, "ApiKey#1")
        desk.keep(order)
        self._moving.append((desk, (kind, order.id)))
        return order

    def cancel(self, desk: Desk, order: Bid | Ask) -> Bid | Ask:
        """Begin to cancel an order; one that has ended stays as it is."""
        if order.status is OrderStatus.EXECUTING:
            order = evolve(order, status=OrderStatus.TO_CANCEL)
            desk.keep(order)
            self._moving.append((desk, (type(order), order.id)))
        return order

    def sell_now(self, desk: Desk, quantity: Decimal, now_ms: int, issuer: str) -> Ask:
        """Sell at whatever prices there are; what finds no buyer is left unsold."""
        ask = self._new(Ask, quantity, ANY_PRICE, now_ms, issuer)
        self._execute(desk, ask, now_ms)
        left = desk.get((Ask, ask.id))
        if left.status is OrderStatus.EXECUTING:
            self._end(desk, left, OrderStatus.CANCELLED, OrderReason.OTHER, now_ms)
        return desk.find(Ask, ask.id) or ask

    def move_on(self, now_ms: int) -> None:
        """Move each order that neither waits nor is over to its next stage, then let trade what strangers meet."""
        moving, self._moving = self._moving, []
        for desk, reference in moving:
            order = desk.get(reference)
            if order.status is OrderStatus.RECEIVED:
                self._execute(desk, order, now_ms)
            elif order.status is OrderStatus.TO_CANCEL:
                self._end(desk, order, OrderStatus.CANCELLED, OrderReason.USER_CANCELLED, now_ms)
        for side in (self._bids, self._asks):
            for waiting in tuple(side):
                if self._best_for(waiting.reference[0], waiting.price, now_ms) is None:
                    break
                self._match(waiting.desk, waiting.reference, now_ms)

    def levels(self, now_ms: int) -> tuple[list[Level], list[Level]]:
        """Look at the whole book: what is wanted and what is offered, best first."""
        wanted = {level.price: level.amount for level in self._strangers.levels(Side.BUY, now_ms)}
        for waiting in self._bids:
            spending = waiting.desk.get(waiting.reference).remaining_amount
            wanted[waiting.price] = wanted.get(waiting.price, Decimal(0)) + quotient(spending, waiting.price)
        offered = {level.price: level.amount for level in self._strangers.levels(Side.SELL, now_ms)}
        for waiting in self._asks:
            selling = waiting.desk.get(waiting.reference).remaining_amount
            offered[waiting.price] = offered.get(waiting.price, Decimal(0)) + selling
        bids = [Level(price, amount, 0) for price, amount in sorted(wanted.items(), reverse=True)]
        return bids, [Level(price, amount, 0) for price, amount in sorted(offered.items())]

    # Within

    def _new(self, kind: type[O], amount: Decimal, price: Decimal, now_ms: int, issuer: str) -> O:
        return kind(
            id=next(self._ids),
            created_at=second(now_ms),
            orderbook=1,
            amount=amount,
            remaining_amount=amount,
            price=price,
            status=OrderStatus.RECEIVED,
            reason=OrderReason.NOT_CANCELLED,
            produced_amount=Decimal(0),
            issuer=issuer,
            fee=Decimal(0),
        )

    def _execute(self, desk: Desk, order: Bid | Ask, now_ms: int) -> None:
        """Hold the funds of an order, and put it into the book."""
        if not desk.purse(order).reserve(order.remaining_amount):
            desk.end(order, OrderStatus.CANCELLED, OrderReason.NOT_ENOUGH_FUNDS, now_ms)
            return
        desk.keep(evolve(order, status=OrderStatus.EXECUTING))
        rank = (-order.price if isinstance(order, Bid) else order.price, order.id)
        waiting = _Waiting(rank, order.price, desk, (type(order), order.id))
        insort(self._side(type(order)), waiting, key=lambda w: w.rank)
        self._match(desk, waiting.reference, now_ms)

    def _match(self, desk: Desk, reference: Reference, now_ms: int) -> None:
        """Trade an order with whatever crosses it."""
        while (order := desk.get(reference)).status in (OrderStatus.EXECUTING, OrderStatus.TO_CANCEL):
            offer = self._best_for(reference[0], order.price, now_ms)
            if offer is None:
                return
            if isinstance(order, Bid):
                self._meet((desk, order), None, offer, now_ms)
            else:
                self._meet(None, (desk, order), offer, now_ms)

    def _best_for(self, kind: Kind, price: Decimal, now_ms: int) -> _Offer | None:
        """Find the best offer for an order of *kind* that does not cost more than *price*, or bring less."""
        other: Kind = Ask if kind is Bid else Bid
        side = _SIDES[kind]
        best = next((_Offer(x.price, x.amount) for x in self._strangers.levels(side.other, now_ms)), None)
        waiting = next(iter(self._side(other)), None)
        if waiting is not None and (best is None or not better(side, best.price, waiting.price)):
            best = _Offer(waiting.price, waiting=waiting)
        return None if best is None or better(side, price, best.price) else best

    def _meet(self, buyer: Buyer, seller: Seller, offer: _Offer, now_ms: int) -> None:
        """Let an order trade with an offer as far as either goes."""
        if offer.waiting is not None:
            desk, order = offer.waiting.desk, offer.waiting.desk.get(offer.waiting.reference)
            buyer, seller = (buyer, (desk, order)) if isinstance(order, Ask) else ((desk, order), seller)
        bounds = (offer.amount, None if seller is None else seller[1].remaining_amount)
        quantity = min(bound for bound in bounds if bound is not None)
        cost = product(quantity, offer.price)
        if buyer is not None and (affordable := quotient(buyer[1].remaining_amount, offer.price)) <= quantity:
            quantity, cost = affordable, buyer[1].remaining_amount
        if buyer is not None and not quantity:  # what it has left buys nothing at this price
            self._end(*buyer, OrderStatus.CANCELLED, OrderReason.OTHER, now_ms)
            return
        self._trade(buyer, seller, _Deal(quantity, cost, offer.price, now_ms))

    def _trade(self, buyer: Buyer, seller: Seller, deal: _Deal) -> None:
        """Exchange coins for money; None is a stranger."""
        buys, sells = None if buyer is None else buyer[0], None if seller is None else seller[0]
        stranger = Party.STRANGERS
        self._tally.move("usd", deal.cost, buys.usd if buys else stranger, sells.usd if sells else stranger)
        self._tally.move("btc", deal.quantity, sells.btc if sells else stranger, buys.btc if buys else stranger)
        if buyer is None:
            self._strangers.take(Side.BUY, deal.price, deal.quantity, deal.at_ms)
        else:
            self._bought(*buyer, deal)
        if seller is None:
            self._strangers.take(Side.SELL, deal.price, deal.quantity, deal.at_ms)
        else:
            self._sold(*seller, deal)

    def _bought(self, desk: Desk, bid: Bid, deal: _Deal) -> None:
        fee = product(deal.quantity, _SHARE)
        desk.usd.release(deal.cost)
        self._tally.move("btc", fee, desk.btc, Party.FEES)
        number, at = next(self._trade_ids), second(deal.at_ms)
        desk.trades.append(Buy(number, at, 1, deal.quantity, deal.cost, fee, deal.price, bid.id))
        self._progress(desk, bid, (deal.cost, deal.quantity - fee, fee), deal.at_ms)

    def _sold(self, desk: Desk, ask: Ask, deal: _Deal) -> None:
        fee = product(deal.cost, _SHARE)
        desk.btc.release(deal.quantity)
        self._tally.move("usd", fee, desk.usd, Party.FEES)
        number, at = next(self._trade_ids), second(deal.at_ms)
        desk.trades.append(Sell(number, at, 1, deal.quantity, deal.cost, fee, deal.price, ask.id))
        self._progress(desk, ask, (deal.quantity, deal.cost - fee, fee), deal.at_ms)

    def _progress(self, desk: Desk, order: Bid | Ask, sums: tuple[Decimal, Decimal, Decimal], now_ms: int) -> None:
        """Enter what was given, what was got, and the fee."""
        given, got, fee = sums
        order = evolve(
            order,
            remaining_amount=order.remaining_amount - given,
            produced_amount=(order.produced_amount or 0) + got,
            fee=(order.fee or 0) + fee,
        )
        desk.keep(order)
        if not order.remaining_amount:
            self._end(desk, order, OrderStatus.COMPLETED, OrderReason.NOT_CANCELLED, now_ms)

    def _end(self, desk: Desk, order: Bid | Ask, status: OrderStatus, reason: OrderReason, now_ms: int) -> None:
        side, reference = self._side(type(order)), (type(order), order.id)
        side[:] = [waiting for waiting in side if waiting.reference != reference]
        desk.end(order, status, reason, now_ms)

    def _side(self, kind: Kind) -> list[_Waiting]:
        return self._bids if kind is Bid else self._asks
