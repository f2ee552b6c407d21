"""Models of bots. Money is a JSON number, a time is seconds since 1970."""

from __future__ import annotations

from decimal import Decimal

from exchanges.values import frozen
from exchanges.wire import Model, OpenStrEnum, UnixTime


class BotExitStatus(OpenStrEnum):
    """Why a bot stopped. It may have traded a part of its amount."""

    COMPLETED = "completed"
    """The whole amount was traded."""
    CANCELLED = "cancelled"
    """The user cancelled it."""
    CANT_AFFORD_ORDER = "cant_afford_order"
    """The funds were not sufficient for an order: bots lock none."""
    ORDER_WAS_INVALID = "order_was_invalid"
    """An order could not be placed for another reason."""


class BotIssuer(OpenStrEnum):
    """What created a bot."""

    USER = "User"
    """A person, on the web site."""
    API_KEY = "ApiKey"
    """A call of the API."""
    PAYMENT = "Payment"
    """A payment that is being settled."""
    COIN_DEPOSIT = "CoinDeposit"
    """A deposit of BTC."""


@frozen(kw_only=True)
class Bot(Model):
    """The fields that both kinds of bots have. Wire: object.

    Source:
        Bitex developer guide, Hosted Trading Bots, "Show a Buying Bot".
    """

    id: int
    """Unique among bots of its kind."""
    created_at: UnixTime
    """UTC: when it was created."""
    updated_at: UnixTime
    """UTC: when it last changed."""
    user_id: int
    """The user that it belongs to."""
    orderbook_id: int
    """1 is BTC/USD."""
    time_to_live: int
    """Seconds between orders."""
    executing: bool
    """Whether it is still running."""
    to_cancel: bool
    """Whether it stops as soon as its outstanding orders are cancelled."""
    exit_status: BotExitStatus | None = None
    """Why it stopped; None while it is running."""
    issuer_type: BotIssuer | None = None
    """What created it; None if not reported."""
    issuer_id: int | None = None
    """Id of what created it, such as of the key; None if not reported."""
    amount: Decimal
    """USD for a `BuyingBot`, BTC for a `SellingBot`: to spend or to sell in total."""
    produced_amount: Decimal
    """The other currency: bought or received so far."""
    remaining_amount: Decimal
    """In the unit of *amount*: left to spend or to sell."""
    chunk_size: Decimal
    """In the unit of *amount*: at most per order."""


@frozen(kw_only=True)
class BuyingBot(Bot):
    """A bot that spends USD in pieces. Wire: object.

    Source:
        Bitex developer guide, Hosted Trading Bots, "Show a Buying Bot".
    """


@frozen(kw_only=True)
class SellingBot(Bot):
    """A bot that sells BTC in pieces. Wire: object.

    Source:
        Bitex developer guide, Hosted Trading Bots, "Show a Selling Bot".
    """
