"""The engine of one exchange: its books, wallets, orders, deposits and withdrawals, and the passing of time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from attrs import define, field

from exchanges.simulator.engine.balances import Balance, Cause, Clearing, Incoming, Movement, Party, Wallet
from exchanges.simulator.engine.book_log import BookLog, BookState
from exchanges.simulator.engine.events import Event, EventKind, Events
from exchanges.simulator.engine.fills import MatchingOptions
from exchanges.simulator.engine.matching import MatchingEngine
from exchanges.simulator.engine.orders import InsufficientFunds, Order
from exchanges.simulator.engine.prices import Market
from exchanges.simulator.engine.rejections import Reason, Refused, refuse_if
from exchanges.simulator.engine.scheduler import Scheduler
from exchanges.simulator.engine.store import IdSequence


@define(eq=False)
class Engine:
    """Everything that is the same at every exchange.

    Args:
        markets: Prices of the books.
        options: How the exchange matches.

    Attributes:
        clearing: Transfers money.
        events: Publishes what happens.
        scheduler: Runs what is due later.
        books: Matching engines by name of the book.
        wallets: Of all accounts, oldest first.
        orders: Of all accounts, by id, oldest first.
        snapshot_age_ms: Says how much too old the next snapshot of a book is.
    """

    _markets: Iterable[Market]
    _options: MatchingOptions
    clearing: Clearing = field(init=False, factory=Clearing)
    events: Events = field(init=False, factory=Events)
    scheduler: Scheduler = field(init=False, factory=Scheduler)
    books: dict[str, MatchingEngine] = field(init=False)
    wallets: list[Wallet] = field(init=False, factory=list[Wallet])
    orders: dict[int, Order] = field(init=False, factory=dict[int, Order])
    _movement_ids: IdSequence = field(init=False, factory=IdSequence)
    snapshot_age_ms: Callable[[], int] = field(init=False, default=lambda: 0)
    _logs: dict[str, BookLog] = field(init=False, factory=dict[str, BookLog])

    def __attrs_post_init__(self) -> None:
        shared = self.clearing, self.events, self.orders, IdSequence(), self._movement_ids
        self.books = {market.spec.name: MatchingEngine(market, self._options, *shared) for market in self._markets}
        self.events.subscribe(self._touch)

    def pass_time(self, now_ms: int) -> None:
        """Run what is due, and match orders that the market has reached."""
        for log in self._logs.values():
            log.settle()
        self.scheduler.run_until(now_ms)
        for book in self.books.values():
            book.pass_time(now_ms)

    def book(self, name: str) -> MatchingEngine:
        """Return a book.

        Raises:
            Refused: There is no such book.
        """
        refuse_if(name not in self.books, Reason.UNKNOWN_BOOK, name)
        return self.books[name]

    def market(self, name: str) -> Market:
        """Return the prices of a book.

        Raises:
            Refused: There is no such book.
        """
        return self.book(name).market

    # Logs

    def log(self, name: str, now_ms: int) -> BookLog:
        """Return the log of a book with everything that is due by *now_ms*.

        Raises:
            Refused: There is no such book.
        """
        if name not in self._logs:
            self._logs[name] = BookLog(self.book(name), now_ms)
        self._logs[name].sync(now_ms)
        return self._logs[name]

    def snapshot(self, name: str, now_ms: int) -> BookState:
        """Return a book as REST shows it: as it is, or older than that.

        Raises:
            Refused: There is no such book.
        """
        log, age_ms = self.log(name, now_ms), self.snapshot_age_ms()
        return log.state_at(at_us=max((now_ms - age_ms) * 1000, log.oldest_us)) if age_ms else log.state()

    def _touch(self, event: Event) -> None:
        if event.order is not None and event.order.book.name in self._logs:
            self._logs[event.order.book.name].touch(event.at_ms)

    # Wallets

    def open_wallet(self, owner: int, held: Mapping[str, Decimal]) -> Wallet:
        """Create a wallet of all currencies, with what was deposited before the simulation began."""
        specs = [book.market.spec for book in self.books.values()]
        currencies = dict.fromkeys((*held, *(name for spec in specs for name in (spec.base, spec.quote))))
        wallet = Wallet(owner, {currency: Balance(Decimal(0)) for currency in currencies})
        # From outside, so that the sum of all balances is zero from the start.
        for currency, amount in held.items():
            self.clearing.transfer(currency, amount, Party.OUTSIDE, wallet.balances[currency])
        self.wallets.append(wallet)
        return wallet

    def holdings(self, currency: str) -> dict[str, Decimal]:
        """Return who holds how much of a currency; the sum is zero."""
        totals = (wallet.balances[currency].total for wallet in self.wallets)
        others = {party.value: self.clearing.held(party, currency) for party in Party}
        return {"accounts": sum(totals, Decimal(0)), **others}

    # Orders

    def cancel(self, order: Order, now_ms: int) -> None:
        """Cancel an order."""
        self.books[order.book.name].cancel(order, now_ms)

    def order(self, wallet: Wallet, order_id: int) -> Order | None:
        """Return an order of an account; None where it has none with this id."""
        order = self.orders.get(order_id)
        # Owners are compared, not wallets: a finished order is shared by all copies of the state, its wallet is not.
        return order if order is not None and order.wallet.owner == wallet.owner else None

    def orders_of(self, wallet: Wallet) -> list[Order]:
        """List all orders of an account, newest first."""
        return [order for order in reversed(self.orders.values()) if order.wallet.owner == wallet.owner]

    def open_orders(self, wallet: Wallet, book: str) -> list[Order]:
        """List the open orders of an account in one book, newest first."""
        return self.book(book).open_orders(wallet)

    # Deposits and withdrawals

    def credit(self, wallet: Wallet, currency: str, amount: Decimal, now_ms: int, method: str = "") -> None:
        """Credit a deposit."""
        self.clearing.transfer(currency, amount, Party.OUTSIDE, wallet.balances[currency])
        self._record(wallet, Cause.DEPOSIT, {currency: amount}, now_ms, method=method)

    def deposit(
        self, wallet: Wallet, currency: str, amount: Decimal, now_ms: int, *, after_ms: int = 0, method: str = ""
    ) -> None:
        """Credit a deposit that is sent now *after_ms* later; until then it is incoming.

        Raises:
            KeyError: The account cannot hold this currency.
        """
        if currency not in wallet.balances:
            raise KeyError(currency)
        deposit = Incoming(currency, amount, now_ms)
        wallet.incoming.append(deposit)

        def arrive(at_ms: int) -> None:
            wallet.incoming.remove(deposit)
            self.credit(wallet, currency, amount, at_ms, method)

        self.scheduler.at(now_ms + after_ms, arrive)
        # A deposit without a delay is credited before this returns, not with the next request.
        self.pass_time(now_ms)

    def withdraw(
        self,
        wallet: Wallet,
        currency: str,
        amount: Decimal,
        now_ms: int,
        *,
        method: str = "",
        sent_ms: int | None = None,
    ) -> Movement:
        """Debit a withdrawal at once; it is outgoing until *sent_ms*, if that is given.

        Raises:
            Refused: The account cannot hold this currency.
            InsufficientFunds: Too little is available.
        """
        balance = wallet.balances.get(currency)
        if balance is None:
            raise Refused(Reason.WRONG_ARGUMENT, "currency")
        if amount > balance.available:
            raise InsufficientFunds(currency, amount, balance.available)
        self.clearing.transfer(currency, amount, balance, Party.OUTSIDE)
        if sent_ms is not None:
            _add(wallet.outgoing, currency, amount)
            self.scheduler.at(sent_ms, lambda _: _add(wallet.outgoing, currency, -amount))
        return self._record(wallet, Cause.WITHDRAWAL, {currency: -amount}, now_ms, method=method)

    def convert(
        self,
        wallet: Wallet,
        given: tuple[str, Decimal],
        taken: tuple[str, Decimal],
        at_ms: int,
        *,
        reference: tuple[str, ...],
    ) -> None:
        """Exchange what is *given* for what is *taken*, with the owners of the background liquidity."""
        self.clearing.transfer(*given, wallet.balances[given[0]], Party.LIQUIDITY)
        self.clearing.transfer(*taken, Party.LIQUIDITY, wallet.balances[taken[0]])
        amounts = {given[0]: -given[1], taken[0]: taken[1]}
        self._record(wallet, Cause.CONVERSION, amounts, at_ms, reference=reference)

    def _record(
        self,
        wallet: Wallet,
        cause: Cause,
        amounts: dict[str, Decimal],
        at_ms: int,
        *,
        method: str = "",
        reference: tuple[str, ...] = (),
    ) -> Movement:
        number = next(self._movement_ids)
        movement = Movement(id=number, at_ms=at_ms, cause=cause, amounts=amounts, method=method, reference=reference)
        wallet.movements.append(movement)
        self.events.publish(Event(EventKind(cause.value), at_ms, wallet, movement=movement))
        return movement


def _add(amounts: dict[str, Decimal], currency: str, amount: Decimal) -> None:
    amounts[currency] = amounts.get(currency, Decimal(0)) + amount
