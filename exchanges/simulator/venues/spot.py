"""What Bitso and Bitstamp share: customers with vaults, a pit for each book, and money that comes and goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import ClassVar

from attrs import define, field

from exchanges.simulator.engine.balances import SMALLEST, Party, Purse, Tally
from exchanges.simulator.engine.liquidity import Side
from exchanges.simulator.engine.matching import Order, Pit, Short, Tariff
from exchanges.simulator.engine.rejections import Reason, Refused
from exchanges.simulator.engine.scheduler import Diary
from exchanges.simulator.engine.store import Numbers
from exchanges.simulator.engine.vault import Cause, Movement, Vault
from exchanges.simulator.venues.venue import Account, Call, Exchange

__all__ = ["BLOCK_MS", "CONFIRMATIONS", "TOO_MUCH", "Customer", "Hall", "amount_of", "customer_of", "page_of"]

TOO_MUCH = Decimal(10) ** 12
BLOCK_MS = 600_000
"""Bitcoin takes so long for one block."""
CONFIRMATIONS = 3
"""Coins are credited when so many blocks confirm them."""


@define(repr=False, eq=False)
class Customer(Account):
    """One account.

    Attributes:
        vault: What it holds.
        orders: All that it ever placed, by id.
        deposit_address: Where it receives bitcoins.
        ripple_address: Where it receives over Ripple (Bitstamp), or from where (Bitso).
    """

    vault: Vault = field(kw_only=True)
    orders: dict[int, Order] = field(init=False, factory=dict[int, Order])
    deposit_address: str = field(kw_only=True)
    ripple_address: str = field(kw_only=True)


@define(eq=False, slots=False)
class Hall(Exchange):
    """An exchange whose orders are amounts of base currency.

    Attributes:
        tally: Moves money.
        diary: What is to happen later.
        pits: Where orders meet, by book.
    """

    tariff: ClassVar[Tariff]

    tally: Tally = field(init=False, factory=Tally)
    diary: Diary = field(init=False, factory=Diary)
    pits: dict[str, Pit] = field(init=False)
    ids: Numbers = field(init=False, factory=Numbers)
    """For whatever has no ids of its own."""
    movement_ids: Numbers = field(init=False, factory=Numbers)

    def __attrs_post_init__(self) -> None:
        """Open accounts and pits."""
        super().__attrs_post_init__()
        order_ids = Numbers()
        self.pits = {
            name: Pit(market, self.tally, self.tariff, order_ids, self.movement_ids)
            for name, market in self.markets.items()
        }

    @property
    def customers(self) -> list[Customer]:
        """All accounts."""
        return [account for account in self.accounts.values() if isinstance(account, Customer)]

    def pass_time(self, now_ms: int) -> None:
        """Let happen what is due, and strangers meet orders."""
        self.diary.pass_until(now_ms)
        for pit in self.pits.values():
            pit.move_on(now_ms)

    def fill_vault(self, held: Mapping[str, str]) -> Vault:
        """Make a vault with money that was there before."""
        vault = Vault.of(*held)
        for currency, amount in held.items():
            self.tally.move(currency, Decimal(amount), Party.OUTSIDE, vault.purses[currency])
        return vault

    def holdings(self, currency: str) -> dict[str, Decimal]:
        """Say who holds how much of a currency; the sum is zero."""
        purses = [customer.vault.purses[currency] for customer in self.customers]
        others = {party.value: self.tally.held(party, currency) for party in Party}
        return {"accounts": sum((purse.balance for purse in purses), Decimal(0)), **others}

    # Orders

    def place(self, call: Call, book: str, side: Side, amount: Decimal, price: Decimal | None) -> Order:
        """Place an order in a book that is there.

        Raises:
            Refused: Not enough funds.
        """
        customer = customer_of(call)
        try:
            order = self.pits[book].place(customer.vault, side, amount, price, call.now_ms)
        except Short as short:
            raise Refused(Reason.NO_FUNDS, short.currency, self.words_for(short)) from None
        customer.orders[order.id] = order
        return order

    def words_for(self, short: Short) -> str:
        """Say that funds do not suffice."""
        return f"You have only {short.available} {short.currency.upper()} available"

    # Money in and out

    def pay_out(self, customer: Customer, currency: str, amount: Decimal, method: str, call: Call) -> Movement:
        """Take *amount* for a withdrawal.

        Raises:
            Refused: Not enough funds.
        """
        vault, purse = customer.vault, self.purse_of(customer, currency)
        if amount > purse.available:
            short = Short(currency, amount, purse.available)
            raise Refused(Reason.NO_FUNDS, currency, self.words_for(short))
        self.tally.move(currency, amount, purse, Party.OUTSIDE)
        return self._enter(vault, Cause.WITHDRAWAL, {currency: -amount}, method, call.now_ms)

    def pay_in(self, customer: Customer, currency: str, amount: Decimal, method: str, due_ms: int) -> None:
        """Credit *amount* at *due_ms*; until then it is coming."""
        vault, purse = customer.vault, customer.vault.purses[currency]
        vault.expect(vault.coming, currency, amount)

        def credit(at_ms: int) -> None:
            vault.expect(vault.coming, currency, -amount)
            self.tally.move(currency, amount, Party.OUTSIDE, purse)
            self._enter(vault, Cause.DEPOSIT, {currency: amount}, method, at_ms)

        self.diary.at(due_ms, credit)

    def purse_of(self, customer: Customer, currency: str) -> Purse:
        """Find a purse.

        Raises:
            Refused: There is no such currency.
        """
        if currency not in customer.vault.purses:
            raise Refused(Reason.WRONG_ARGUMENT, "currency")
        return customer.vault.purses[currency]

    def _enter(self, vault: Vault, cause: Cause, amounts: dict[str, Decimal], method: str, at_ms: int) -> Movement:
        number = next(self.movement_ids)
        movement = Movement(id=number, at_ms=at_ms, cause=cause, amounts=amounts, method=method)
        vault.movements.append(movement)
        return movement


def customer_of(call: Call) -> Customer:
    """Find whose call it is."""
    account = call.account
    if not isinstance(account, Customer):
        raise TypeError("not an account of this exchange")
    return account


def amount_of(call: Call, name: str, smallest: Decimal = SMALLEST) -> Decimal:
    """Take an amount or a price in steps of *smallest*.

    Raises:
        Refused: Absurdly much, or with too many decimals.
    """
    amount = call.arguments.decimal(name)
    if amount >= TOO_MUCH or amount != amount.quantize(smallest):
        places = -int(smallest.normalize().as_tuple().exponent)
        raise Refused(Reason.WRONG_NUMBER, name, f"Ensure that there are no more than {places} decimal places.")
    return amount


def page_of(
    call: Call, movements: list[Movement], most: int, wanted: Callable[[Movement], bool] = lambda _: True
) -> list[Movement]:
    """Cut a page out of *movements*, which are oldest first, as offset, limit and sort say.

    Raises:
        Refused: No page can be so long.
    """
    offset, limit = call.arguments.integer("offset", 0), call.arguments.integer("limit", 100)
    if not 1 <= limit <= most:
        raise Refused(Reason.WRONG_ARGUMENT, "limit")
    rising = call.arguments.text("sort", "desc") == "asc"
    rows = [m for m in (movements if rising else reversed(movements)) if wanted(m)]
    return rows[offset : offset + limit]
