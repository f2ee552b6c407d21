"""Orders of accounts."""

from __future__ import annotations

import copy
from decimal import Decimal
from enum import StrEnum

from attrs import define, field, frozen

from exchanges.simulator.engine.balances import Balance, Wallet, quotient
from exchanges.simulator.engine.liquidity import Side
from exchanges.simulator.engine.prices import BookSpec


class InsufficientFunds(Exception):
    """An account has too little available.

    Attributes:
        currency: Of what.
        needed: How much is needed.
        available: How much is available.
    """

    def __init__(self, currency: str, needed: Decimal, available: Decimal) -> None:
        super().__init__(f"{needed} {currency} needed, {available} available")
        self.currency = currency
        self.needed = needed
        self.available = available


class OrderState(StrEnum):
    """How far an order is."""

    RECEIVED = "received"
    """Accepted; its funds are neither checked nor reserved yet."""
    OPEN = "open"
    CANCELLING = "cancelling"
    """To be cancelled soon; until then it trades."""
    FILLED = "filled"
    CANCELLED = "cancelled"
    """By its owner."""
    UNFUNDED = "unfunded"
    """Cancelled by the exchange when its funds were checked."""
    EXPIRED = "expired"
    """Cancelled by the exchange because what is left of it cannot trade."""

    @property
    def is_open(self) -> bool:
        """Whether an order in this state trades."""
        return self in (OrderState.OPEN, OrderState.CANCELLING)

    @property
    def is_final(self) -> bool:
        """Whether an order in this state never changes again."""
        return not self.is_open and self is not OrderState.RECEIVED


class Lifetime(StrEnum):
    """How long what does not trade at once may wait."""

    UNTIL_CANCELLED = "until cancelled"
    ALL_OR_NOTHING = "all or nothing"
    """All of it trades at once, or none of it."""
    AT_ONCE = "at once"
    """The rest is cancelled."""
    MAKER_ONLY = "maker only"
    """Cancelled if any of it would trade at once."""


@frozen
class Terms:
    """What an order may say beside amount and price.

    Attributes:
        lifetime: How long it may wait.
        stop: Quote per base: the price of the last trade that makes it active; None: active at once.
        client_id: The client's own id of it; empty for none.
        issuer: Who placed it, where the exchange shows that.
    """

    lifetime: Lifetime = Lifetime.UNTIL_CANCELLED
    stop: Decimal | None = None
    client_id: str = ""
    issuer: str = ""


@define(eq=False)
class Order:
    """An order of an account.

    Attributes:
        id: Unique at the exchange.
        wallet: Of its account.
        book: Where it was placed.
        side: What it wants.
        amount: Base; quote if `in_quote`.
        price: Quote per base; None for a market order.
        placed_ms: Milliseconds since 1970.
        in_quote: Whether *amount* and *left* are quote currency to spend.
        terms: What else it says.
        triggered_ms: When its stop made it active; None for an order without one, or not yet.
        updated_ms: When it changed last.
        left: What did not trade yet.
        reserved: What it reserves of the currency that it spends.
        received: What trades brought, less fees taken from it.
        fee: Fees of all its trades.
        state: How far it is.
    """

    id: int
    wallet: Wallet
    book: BookSpec
    side: Side
    amount: Decimal
    price: Decimal | None
    placed_ms: int
    in_quote: bool = False
    terms: Terms = Terms()
    triggered_ms: int | None = field(init=False, default=None)
    updated_ms: int = field(init=False)
    left: Decimal = field(init=False)
    reserved: Decimal = field(init=False, default=Decimal(0))
    received: Decimal = field(init=False, default=Decimal(0))
    fee: Decimal = field(init=False, default=Decimal(0))
    state: OrderState = field(init=False, default=OrderState.RECEIVED)

    def __attrs_post_init__(self) -> None:
        self.updated_ms, self.left = self.placed_ms, self.amount

    def __deepcopy__(self, memo: dict[int, object]) -> Order:
        """Copy an order that may still change; one in a final state is shared."""
        if self.state.is_final:
            return self
        copied = copy.copy(self)
        # By the same memo, so that all orders of an account in one copy of the state share one wallet.
        copied.wallet = copy.deepcopy(self.wallet, memo)
        return copied

    @property
    def is_open(self) -> bool:
        """Whether it is in the book."""
        return self.state.is_open

    @property
    def is_dormant(self) -> bool:
        """Whether it waits for its stop."""
        return self.is_open and self.terms.stop is not None and self.triggered_ms is None

    @property
    def limit(self) -> Decimal:
        """The price of a limit order."""
        if self.price is None:
            raise TypeError("a market order has no price")
        return self.price

    @property
    def rank(self) -> tuple[Decimal, int]:
        """Where it waits on its side: best price first, then oldest first."""
        return (-self.limit if self.side is Side.BUY else self.limit, self.id)

    @property
    def base_left(self) -> Decimal:
        """What did not trade yet, in base currency."""
        return quotient(self.left, self.limit) if self.in_quote else self.left

    @property
    def spends(self) -> str:
        """The currency that it spends."""
        return self.book.quote if self.side is Side.BUY else self.book.base

    @property
    def funds(self) -> Balance:
        """The balance that it is paid from."""
        return self.wallet.balances[self.spends]
