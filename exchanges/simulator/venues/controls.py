"""Test controls: what happens at an exchange without its API."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import ClassVar, Generic, TypeVar

from exchanges.bitex import UsageTier
from exchanges.bitex.models.concierge import WorkOrderStatus
from exchanges.simulator.engine.arithmetic import with_exact_methods
from exchanges.simulator.engine.events import Subscriber
from exchanges.simulator.venues.bitex import BitexExchange
from exchanges.simulator.venues.bitso import BitsoExchange
from exchanges.simulator.venues.bitstamp import BitstampExchange
from exchanges.simulator.venues.socket_controls import SocketControls
from exchanges.simulator.venues.spot import BLOCK_MS, CONFIRMATIONS
from exchanges.simulator.venues.venue import Exchange
from exchanges.simulator.webhooks import Deliver, Delivery

E = TypeVar("E", bound=Exchange)


@with_exact_methods
class Controls(Generic[E]):
    """What every simulated exchange lets a test do; see `Simulator.controls`.

    Args:
        exchange: The simulated exchange.
        now: Milliseconds since 1970, by the simulated clock.
    """

    def __init__(self, exchange: E, now: Callable[[], int]) -> None:
        self._exchange = exchange
        self._now = now

    def holdings(self, currency: str) -> dict[str, Decimal]:
        """Return who holds how much of a currency, such as btc.

        The holders are the accounts together, fees, ``liquidity`` (the owners of the background orders), and the world
        outside, which is owed what was deposited. The sum is zero, to the last digit.

        Raises:
            KeyError: No account can hold this currency.
        """
        return self._exchange.engine.holdings(currency)

    def set_price(self, book: str, price: Decimal | None) -> None:
        """Stop the price of a book, with the levels of its order book around it; None: let it move again.

        Orders that the new price reaches trade at once.

        Raises:
            ValueError: Not positive, or not a multiple of the tick of the book.
            KeyError: There is no such book.
        """
        self._exchange.engine.books[book].market.fix_price(price)
        self._exchange.pass_time(self._now())

    def set_order_book(
        self, book: str, bids: Sequence[tuple[Decimal, Decimal]], asks: Sequence[tuple[Decimal, Decimal]]
    ) -> None:
        """Replace the background liquidity of a book; orders that it reaches trade at once.

        What is taken of a level is offered again a minute later.

        Args:
            book: Its name, as the exchange writes it.
            bids: Price (quote per base) and amount (base) of each level; empty on both sides: let the book move again.
            asks: The same.

        Raises:
            ValueError: One side is empty, an amount or a price is not positive, or bids and asks cross.
            KeyError: There is no such book.
        """
        self._exchange.engine.books[book].market.fix_book(bids, asks)
        self._exchange.pass_time(self._now())

    def set_trade_pace(self, book: str, seconds: float) -> None:
        """Set the pace of the trades in the background: one in each *seconds*, which is half a minute at first.

        Trades of the past change too, so this is for the start of a test.

        Raises:
            ValueError: Less than a millisecond.
            KeyError: There is no such book.
        """
        if not seconds >= 0.001:
            raise ValueError(f"there is at most one trade in a millisecond; got one in {seconds:g} s")
        self._exchange.engine.books[book].market.trade_ms = round(1000 * seconds)

    def fill_order(self, order_id: int | str, quantity: Decimal) -> None:
        """Trade *quantity* of base of an open order with the background, at the price of the order.

        Raises:
            KeyError: There is no such order.
            ValueError: The order is not open, or has less left.
        """
        order, now_ms = self._exchange.engine.orders[self._exchange.order_id(order_id)], self._now()
        # An order that was accepted a moment ago is open only once time has passed.
        self._exchange.pass_time(now_ms)
        self._exchange.engine.books[order.book.name].fill(order, quantity, now_ms)

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call *subscriber* with each later event: orders placed, changed, traded, cancelled; deposits and withdrawals.

        Returns:
            A function that ends the subscription.
        """
        return self._exchange.engine.events.subscribe(subscriber)


@with_exact_methods
class _SpotControls(Controls[E]):
    """Deposits, and sockets."""

    networks: ClassVar[Mapping[str, str]] = {}
    """How a deposit travels, by currency, as movements show it."""
    other_networks: ClassVar[str] = ""

    @property
    def sockets(self) -> SocketControls:
        """What a test can do to the sockets of this exchange."""
        if self._exchange.streams is None:
            raise TypeError(f"{self._exchange.venue} has no sockets")
        return SocketControls(self._exchange.streams, lambda: self._exchange.pass_time(self._now()))

    def deposit(self, currency: str, amount: Decimal, number: int = 0) -> None:
        """Deposit money: BTC is credited after three blocks, half an hour of simulated time, all else at once.

        Args:
            currency: Such as btc.
            amount: How much.
            number: Which account, as for `Simulator.account`.

        Raises:
            KeyError: There is no such currency.
        """
        engine, network = self._exchange.engine, self.networks.get(currency, self.other_networks)
        after_ms = BLOCK_MS * CONFIRMATIONS if currency == "btc" else 0
        # By the order in which the accounts were opened: `Simulator.account` counts them in the same way.
        engine.deposit(engine.wallets[number], currency, amount, self._now(), after_ms=after_ms, method=network)


@with_exact_methods
class BitstampControls(_SpotControls[BitstampExchange]):
    """Deposits at Bitstamp, and cancels that take time."""

    def delay_cancels(self, seconds: float) -> None:
        """Delay each later cancel so long; until then the order trades, and another cancel finds it pending."""
        self._exchange.trading.cancel_ms = round(1000 * seconds)


@with_exact_methods
class BitsoControls(_SpotControls[BitsoExchange]):
    """Deposits and failing conversions at Bitso."""

    networks: ClassVar[Mapping[str, str]] = {"btc": "Bitcoin", "mxn": "SPEI Transfer"}
    other_networks: ClassVar[str] = "Ripple"

    def fail_conversion(self, conversion_id: str) -> None:
        """Fail a conversion that is under way; what it reserved is released then.

        Raises:
            KeyError: No conversion with this id is under way.
        """
        self._exchange.conversions.fail(conversion_id)

    @property
    def ripple_address(self) -> str:
        """Where the first account accepts deposits over Ripple from; empty before its first withdrawal to Ripple."""
        return next(iter(self._exchange.accounts.values())).ripple_address


@with_exact_methods
class BitexControls(Controls[BitexExchange]):
    """Coins sent to Bitex, decisions of its staff, and what it posts."""

    def __repr__(self) -> str:
        """Show how much was posted."""
        return f"BitexControls({len(self.deliveries)} deliveries)"

    def send_btc(self, public_address: str, quantity: Decimal) -> None:
        """Send coins to an address; they are credited half an hour of simulated time later.

        To the address of a payment they are what `pay` sends.

        Raises:
            LookupError: No account has this address.
        """
        self._exchange.send_btc(public_address, quantity, self._now())

    def deposit_address(self, user_id: int = 1) -> str:
        """Return the first address of an account.

        Raises:
            KeyError: There is no such account.
        """
        return self._exchange.customers.by_id[user_id].deposit_address

    def pay(self, payment_id: int, quantity: Decimal | None = None, *, confirms: bool = True) -> None:
        """Send coins for a payment, which is SEEN at once, DONE half an hour later and SETTLED a minute after that.

        Args:
            payment_id: Which.
            quantity: BTC; None: as many as are expected.
            confirms: Whether the network ever confirms them; if not the payment is CANCELLED two hours later.

        Raises:
            KeyError: There is no such payment.
        """
        self._exchange.payments.pay(payment_id, quantity, self._now(), confirms=confirms)

    def review(self, kyc_profile_id: int, tier: UsageTier | None) -> None:
        """Accept a KYC profile into a tier, or (None) reject it; the reseller is notified.

        Raises:
            KeyError: There is no such profile.
        """
        self._exchange.kyc.review(kyc_profile_id, tier, self._now())

    def progress(self, work_order_request_id: int, status: WorkOrderStatus) -> None:
        """Change the status of a work order; the reseller is notified. No money moves.

        Raises:
            KeyError: There is no such work order.
        """
        self._exchange.concierge.progress(work_order_request_id, status, self._now())

    @property
    def deliveries(self) -> list[Delivery]:
        """Everything that was posted, or would have been, in order."""
        return self._exchange.customers.poster.deliveries

    @property
    def deliver(self) -> Deliver:
        """What carries each delivery; may be set. See `exchanges.simulator.forward_to`."""
        return self._exchange.customers.poster.deliver

    @deliver.setter
    def deliver(self, deliver: Deliver) -> None:
        self._exchange.customers.poster.deliver = deliver

    async def delivered(self) -> None:
        """Wait until every delivery was carried, and answered where it was sent."""
        await self._exchange.customers.poster.delivered()
