"""The matching engine of one order book: orders of accounts trade with each other and with the background liquidity.

An order that arrives trades at once with whatever crosses it, at the price of the resting side: best price first, and
at equal prices with accounts before the background. The rest of a limit order waits; the rest of a market order is
cancelled. The background moves with the market and may reach an order that waits; they trade at the price of the order.

Exchanges differ in four ways, the `MatchingOptions`. With `accept_later` an order goes one state further with each
later request: RECEIVED, then OPEN (or UNFUNDED), and CANCELLING before CANCELLED. Without it funds are checked when the
order is placed, and an order is cancelled at once.
"""

from __future__ import annotations

import copy
from bisect import insort
from collections.abc import Iterator, Sequence
from decimal import Decimal

from attrs import define, evolve, field

from exchanges.simulator.engine.balances import Cause, Clearing, Movement, Party, Wallet, product, quotient
from exchanges.simulator.engine.events import Event, EventKind, Events
from exchanges.simulator.engine.fills import Fill, MatchingOptions, Offer
from exchanges.simulator.engine.liquidity import Liquidity, Side, better
from exchanges.simulator.engine.orders import InsufficientFunds, Lifetime, Order, OrderState, Terms
from exchanges.simulator.engine.prices import Level, Market
from exchanges.simulator.engine.store import IdSequence
from exchanges.simulator.engine.tape import Tape

PLAIN = Terms()


@define(eq=False)
class MatchingEngine:
    """Accepts the orders of one book and matches them.

    Args:
        market: The book without the accounts' orders.
        options: How the exchange matches.
        clearing: Transfers the money.
        events: Publishes what happens.
        orders: Where it adds its orders, by id.
        order_ids: Ids for the orders of all books.
        movement_ids: Ids for what moves money.

    Attributes:
        tape: The trades that everybody sees.
    """

    market: Market
    _options: MatchingOptions
    _clearing: Clearing
    _events: Events
    _orders: dict[int, Order]
    _order_ids: IdSequence
    _movement_ids: IdSequence
    _liquidity: Liquidity = field(init=False)
    _waiting: dict[Side, list[Order]] = field(init=False, factory=lambda: {side: list[Order]() for side in Side})
    _pending: list[Order] = field(init=False, factory=list[Order])
    _dormant: list[Order] = field(init=False, factory=list[Order])
    tape: Tape = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._liquidity = Liquidity(self.market)
        self.tape = Tape(self.market)

    def __deepcopy__(self, memo: dict[int, object]) -> MatchingEngine:
        """Copy the orders that wait; the background is the same in every copy."""
        copied = copy.copy(self)
        # What is pending stays behind: a copy is only read, so its time never passes.
        copied._waiting = copy.deepcopy(self._waiting, memo)  # noqa: SLF001 - same class
        copied._dormant = copy.deepcopy(self._dormant, memo)  # noqa: SLF001
        return copied

    def place(
        self,
        wallet: Wallet,
        side: Side,
        amount: Decimal,
        *,
        price: Decimal | None,
        now_ms: int,
        terms: Terms = PLAIN,
    ) -> Order:
        """Accept an order, and match it unless the exchange accepts later.

        Args:
            wallet: Of its account.
            side: What it wants.
            amount: Base; quote to spend for an order to buy under `spend_in_quote`.
            price: Quote per base; None for a market order.
            now_ms: Milliseconds since 1970.
            terms: What else it says. One that must trade at once does so whatever the options.

        Raises:
            InsufficientFunds: Unless the exchange accepts later, which checks funds later too.
        """
        in_quote = side is Side.BUY and self._options.spend_in_quote
        order = Order(0, wallet, self.market.spec, side, amount, price, now_ms, in_quote, terms)
        at_once = price is None or terms.lifetime in (Lifetime.AT_ONCE, Lifetime.ALL_OR_NOTHING)
        later = self._options.accept_later and not at_once
        if not later and (needed := self._required(order, now_ms)) > order.funds.available:
            raise InsufficientFunds(order.spends, needed, order.funds.available)
        # Only now: an order that is rejected uses up no id.
        order.id = next(self._order_ids)
        self._orders[order.id] = order
        self._publish(EventKind.ORDER_PLACED, order, now_ms)
        if later:
            self._pending.append(order)
        elif terms.stop is not None:
            self._wait_for_stop(order, now_ms)
        else:
            self._open(order, now_ms)
        return order

    def change(self, order: Order, amount: Decimal, price: Decimal | None, stop: Decimal | None, now_ms: int) -> None:
        """Change what is left of an open order, its limit and its stop, and match it again.

        Args:
            order: The order.
            amount: Base: what is to be left.
            price: Quote per base.
            stop: Quote per base, of an order that waits for it.
            now_ms: Milliseconds since 1970.

        Raises:
            InsufficientFunds: The account cannot pay for the difference.
        """
        before = order.amount, order.left, order.price
        order.amount, order.left, order.price = order.amount - order.left + amount, amount, price
        if (needed := self._reservation(order)) - order.reserved > order.funds.available:
            order.amount, order.left, order.price = before
            raise InsufficientFunds(order.spends, needed - order.reserved, order.funds.available)
        order.updated_ms, order.terms = now_ms, evolve(order.terms, stop=stop)
        self._reserve(order)
        if order.is_dormant:
            self._publish(EventKind.ORDER_CHANGED, order, now_ms)
            return
        waiting = self._waiting[order.side]
        waiting.remove(order)
        insort(waiting, order, key=lambda waits: waits.rank)
        self._publish(EventKind.ORDER_CHANGED, order, now_ms)
        self._match(order, now_ms)

    def worth(self, side: Side, value: Decimal, now_ms: int) -> Decimal:
        """Return how much base an order on *side* gets, or gives, for *value* of quote, at the prices of the book."""
        amount, price = Decimal(0), None
        for level in self.levels(side.other, now_ms):
            price = level.price
            part = min(level.amount, quotient(value, price))
            amount, value = amount + part, value - product(part, price)
            if part < level.amount:
                return amount
        # Beyond the depth that is shown the last price goes on.
        return amount if price is None else amount + quotient(value, price)

    def cancel(self, order: Order, now_ms: int) -> None:
        """Cancel an open order, now or later; one that is not open stays as it is."""
        if order.state is not OrderState.OPEN:
            return
        if self._options.accept_later:
            order.state = OrderState.CANCELLING
            self._pending.append(order)
            self._publish(EventKind.ORDER_CHANGED, order, now_ms)
        else:
            self._end(order, OrderState.CANCELLED, now_ms)

    def fill(self, order: Order, quantity: Decimal, now_ms: int) -> None:
        """Trade *quantity* of base of an open order with the background, at the price of the order.

        Raises:
            ValueError: The order is not open, or has less left.
        """
        if not order.is_open or order.is_dormant or not 0 < quantity <= order.base_left:
            raise ValueError(f"order {order.id} cannot trade {quantity}: it is {order.state}, {order.left} left")
        self._meet(order, Offer(order.limit, quantity), order.limit, now_ms, rested=True)

    def pass_time(self, now_ms: int) -> None:
        """Move pending orders to their next state, then match what the background has reached."""
        # Swapped first: what is accepted now goes one state further with the next request, not in this one.
        pending, self._pending = self._pending, []
        for order in pending:
            if order.state is OrderState.CANCELLING:
                self._end(order, OrderState.CANCELLED, now_ms)
            elif order.state is OrderState.RECEIVED and self._required(order, now_ms) > order.funds.available:
                self._end(order, OrderState.UNFUNDED, now_ms)
            elif order.state is OrderState.RECEIVED:
                self._open(order, now_ms, was_pending=True)
        for order in tuple(self._dormant):
            self._trigger(order, now_ms)
        for waiting in self._waiting.values():
            for order in tuple(waiting):
                self._match(order, now_ms, resting=True)
                # The best order did not trade in full, so no order behind it can.
                if order.is_open:
                    break

    def levels(self, side: Side, now_ms: int) -> tuple[Level, ...]:
        """Return one side of the book, best first; orders at the same price are one level."""
        background, own = self._liquidity.levels(side, now_ms), self._waiting[side]
        if not own:
            return tuple(background)
        levels = {level.price: level for level in background}
        for order in own:
            below = levels.get(order.limit)
            # The id of the account's order wins: books by order show where one's own order is.
            levels[order.limit] = Level(order.limit, order.base_left + (below.amount if below else 0), order.id)
        return tuple(sorted(levels.values(), key=lambda level: level.price, reverse=side is Side.BUY))

    def background(self, side: Side, step: int, depth: int) -> Iterator[Level]:
        """Iterate over one side of the background in a step, best first, deeper than orders reach."""
        return self._liquidity.deep(side, step, depth)

    def waiting(self, side: Side) -> Sequence[Order]:
        """Return the orders of accounts on one side, best first."""
        return self._waiting[side]

    def open_orders(self, wallet: Wallet) -> list[Order]:
        """List the open orders of an account, newest first."""
        orders = (*self._waiting.values(), self._dormant)
        own = [o for some in orders for o in some if o.wallet.owner == wallet.owner]
        return sorted(own, key=lambda order: order.id, reverse=True)

    def best(self, side: Side, now_ms: int) -> Decimal:
        """Return the best price of one side; where all depth is taken, the price at which the depth ended."""
        level = next(iter(self.levels(side, now_ms)), None)
        if level is not None:
            return level.price
        now = self.market.snapshot(now_ms)
        return (now.bids if side is Side.BUY else now.asks)[-1].price

    # Within

    def _required(self, order: Order, now_ms: int) -> Decimal:
        """Return the funds that an order needs in order to be accepted."""
        waits_for_stop = order.terms.stop is not None and order.triggered_ms is None
        if order.price is not None or order.side is Side.SELL or waits_for_stop:
            return self._reservation(order)
        left, needed = order.left, Decimal(0)
        for level in self.levels(Side.SELL, now_ms):
            quantity = min(left, level.amount)
            cost = product(quantity, level.price)
            needed += cost + (product(cost, self._options.fee) if self._options.fee_in_quote else 0)
            left -= quantity
            if not left:
                break
        return needed

    def _reservation(self, order: Order) -> Decimal:
        """Return what an order must reserve for what is left of it."""
        if order.in_quote or order.side is Side.SELL:
            return order.left
        most = 1 + self._options.fee if self._options.fee_in_quote else Decimal(1)
        # A market order that waits for its stop has no limit; what the stop would cost is kept for it.
        price = order.limit if order.price is not None or order.terms.stop is None else order.terms.stop
        return product(order.left, price * most, up=True)

    def _reserve(self, order: Order) -> None:
        """Reserve exactly what an order needs now; a market order trades before anything else can spend its funds."""
        is_kept = order.is_open and (order.price is not None or order.is_dormant)
        needed = self._reservation(order) if is_kept else Decimal(0)
        order.funds.reserved += needed - order.reserved
        order.reserved = needed

    def _wait_for_stop(self, order: Order, now_ms: int) -> None:
        """Reserve the funds of an order that is not active yet, and keep it."""
        order.state = OrderState.OPEN
        self._reserve(order)
        self._dormant.append(order)
        self._trigger(order, now_ms)

    def _trigger(self, order: Order, now_ms: int) -> None:
        """Activate an order if the market has reached its stop: from below to buy, from above to sell."""
        last, stop = self.market.snapshot(now_ms).last, order.terms.stop
        if stop is not None and (last >= stop if order.side is Side.BUY else last <= stop):
            self._dormant.remove(order)
            order.triggered_ms = order.updated_ms = now_ms
            # The market may have moved beyond what was kept for the stop.
            if self._required(order, now_ms) > order.funds.available + order.reserved:
                self._end(order, OrderState.UNFUNDED, now_ms)
            else:
                self._open(order, now_ms, was_pending=True)

    def _open(self, order: Order, now_ms: int, *, was_pending: bool = False) -> None:
        """Reserve the funds of an order, add it to the book and match it."""
        order.state = OrderState.OPEN
        self._reserve(order)
        if not self._is_allowed(order, now_ms):
            self._end(order, OrderState.EXPIRED, now_ms)
            return
        if order.price is not None:
            # Before it is matched, since `_end` removes it once it is filled.
            insort(self._waiting[order.side], order, key=lambda waits: waits.rank)
        if was_pending:
            self._publish(EventKind.ORDER_CHANGED, order, now_ms)
        self._match(order, now_ms)
        if order.is_open and (order.price is None or order.terms.lifetime is Lifetime.AT_ONCE):
            self._end(order, OrderState.EXPIRED, now_ms)

    def _is_allowed(self, order: Order, now_ms: int) -> bool:
        """Whether the lifetime of an order that arrives lets it trade, or wait, as it must."""
        lifetime = order.terms.lifetime
        if lifetime is Lifetime.MAKER_ONLY:
            return self._best_offer(order, now_ms) is None
        if lifetime is not Lifetime.ALL_OR_NOTHING:
            return True
        levels = (x for x in self.levels(order.side.other, now_ms) if not better(order.side, order.limit, x.price))
        return sum((level.amount for level in levels), Decimal(0)) >= order.left

    def _match(self, order: Order, now_ms: int, *, resting: bool = False) -> None:
        """Match an order with whatever crosses it."""
        while order.is_open and (offer := self._best_offer(order, now_ms)) is not None:
            # Whoever was in the book first sets the price.
            self._meet(order, offer, order.limit if resting else offer.price, now_ms, rested=resting)

    def _best_offer(self, order: Order, now_ms: int) -> Offer | None:
        """Return the best offer that crosses *order*."""
        side = order.side
        level = next(self._liquidity.levels(side.other, now_ms), None)
        best = None if level is None else Offer(level.price, level.amount)
        other = next(iter(self._waiting[side.other]), None)
        if other is not None and (best is None or not better(side, best.price, other.limit)):
            best = Offer(other.limit, other.base_left, other)
        crosses = best is not None and (order.price is None or not better(side, order.price, best.price))
        return best if crosses else None

    def _meet(self, order: Order, offer: Offer, price: Decimal, now_ms: int, *, rested: bool) -> None:
        """Trade an order with an offer as far as both go."""
        buyer, seller = (order, offer.order) if order.side is Side.BUY else (offer.order, order)
        bounds = [offer.amount] if offer.order is None else []
        bounds += [trader.left for trader in (buyer, seller) if trader is not None and not trader.in_quote]
        quantity = min(bounds)
        cost = product(quantity, price)
        # A buyer in quote spends its last cent: what rounding would leave could never trade.
        if buyer is not None and buyer.in_quote and (affordable := quotient(buyer.left, price)) <= quantity:
            quantity, cost = affordable, buyer.left
            if not quantity:
                self._end(buyer, OrderState.EXPIRED, now_ms)
                return
        fill = Fill(quantity, cost, price, now_ms)
        self.tape.add(order, offer.order, fill, rested=rested and offer.order is None)
        if offer.order is None:
            self._liquidity.take(order.side.other, offer.price, quantity, now_ms)
        self._transfer(self.market.spec.quote, cost, buyer, seller)
        self._transfer(self.market.spec.base, quantity, seller, buyer)
        for trader in (order, offer.order):
            if trader is not None:
                self._record(trader, fill)

    def _transfer(self, currency: str, amount: Decimal, giver: Order | None, taker: Order | None) -> None:
        """Transfer what one side gives to the other; None is the background."""
        source, target = (
            Party.LIQUIDITY if order is None else order.wallet.balances[currency] for order in (giver, taker)
        )
        self._clearing.transfer(currency, amount, source, target)

    def _record(self, order: Order, fill: Fill) -> None:
        """Record a trade for one side, and take the fee."""
        spec, buys = order.book, order.side is Side.BUY
        in_base = buys and not self._options.fee_in_quote
        fee_currency = spec.base if in_base else spec.quote
        fee = product(fill.quantity if in_base else fill.cost, self._options.fee)
        # Taken while the funds are still reserved, so that nothing else can spend the fee.
        self._clearing.transfer(fee_currency, fee, order.wallet.balances[fee_currency], Party.FEES)
        sign = 1 if buys else -1
        movement = Movement(
            id=next(self._movement_ids),
            at_ms=fill.at_ms,
            cause=Cause.TRADE,
            amounts={spec.base: sign * fill.quantity, spec.quote: -sign * fill.cost},
            fee=fee,
            fee_currency=fee_currency,
            book=spec.name,
            order_id=order.id,
            price=fill.price,
        )
        order.wallet.movements.append(movement)
        order.left -= fill.cost if order.in_quote else fill.quantity
        order.received += movement.net[spec.base if buys else spec.quote]
        order.fee += fee
        order.updated_ms = fill.at_ms
        if order.left:
            self._reserve(order)
        else:
            self._end(order, OrderState.FILLED, fill.at_ms)
        self._publish(EventKind.ORDER_TRADED, order, fill.at_ms, movement)

    def _end(self, order: Order, state: OrderState, now_ms: int) -> None:
        """Remove an order from the book in a final state, and release what it still reserves."""
        order.state, order.updated_ms = state, now_ms
        self._reserve(order)
        for orders in (self._waiting[order.side], self._dormant):
            if order in orders:
                orders.remove(order)
        if state is not OrderState.FILLED:
            self._publish(EventKind.ORDER_CANCELLED, order, now_ms)

    def _publish(self, kind: EventKind, order: Order, now_ms: int, movement: Movement | None = None) -> None:
        self._events.publish(Event(kind, now_ms, order.wallet, order, movement))
