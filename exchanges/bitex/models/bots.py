"""What Bitex answers with about bots. Money is a JSON number, a moment seconds since 1970."""

from __future__ import annotations

from decimal import Decimal

from attrs import frozen

from exchanges.wire import OpenStrEnum, UnixTime

__all__ = ["Bot", "BotExitStatus", "BotIssuer", "BuyingBot", "SellingBot"]


class BotExitStatus(OpenStrEnum):
    """Why a bot stopped. It may have traded in part."""

    COMPLETED = "completed"
    """The whole amount was traded."""
    CANCELLED = "cancelled"
    """The user cancelled it."""
    CANT_AFFORD_ORDER = "cant_afford_order"
    """The funds did not suffice for an order: bots lock none."""
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
class Bot:
    """What bots of both kinds have in common. Wire: object.

    Source:
        Bitex developer guide, Hosted Trading Bots, "Show a Buying Bot".
    """

    id: int
    """Unique among bots of its kind."""
    created_at: UnixTime
    """When it was created (UTC)."""
    updated_at: UnixTime
    """When it last changed (UTC)."""
    user_id: int
    """Whose it is."""
    orderbook_id: int
    """1 is BTC/USD."""
    time_to_live: int
    """Seconds that each order is given before the next."""
    executing: bool
    """Whether it still runs."""
    to_cancel: bool
    """Whether it ends as soon as its outstanding orders are cancelled."""
    exit_status: BotExitStatus | None = None
    """Why it stopped; None while it runs."""
    issuer_type: BotIssuer | None = None
    """What created it."""
    issuer_id: int | None = None
    """Which of those, such as the id of the key."""


@frozen(kw_only=True)
class BuyingBot(Bot):
    """A bot that spends USD in pieces. Wire: object.

    Source:
        Bitex developer guide, Hosted Trading Bots, "Show a Buying Bot".
    """

    amount: Decimal
    """USD to spend in all."""
    produced_amount: Decimal
    """BTC bought so far."""
    remaining_amount: Decimal
    """USD left to spend."""
    chunk_size: Decimal
    """USD of one order at most."""


@frozen(kw_only=True)
class SellingBot(Bot):
    """A bot that sells BTC in pieces. Wire: object.

    Source:
        Bitex developer guide, Hosted Trading Bots, "Show a Selling Bot".
    """

    amount: Decimal
    """BTC to sell in all."""
    produced_amount: Decimal
    """USD received so far."""
    remaining_amount: Decimal
    """BTC left to sell."""
    chunk_size: Decimal
    """BTC of one order at most."""
