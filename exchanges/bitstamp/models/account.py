"""Answers about the account, by v2. Numbers travel as text, moments without their zone, which is UTC."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from attrs import field

from exchanges.bitstamp.models.numbers import EitherDecimal
from exchanges.values import frozen
from exchanges.wire import Choice, CurrencyAmounts, Id, Model, NaiveTime, OpenIntEnum, OpenStrEnum, TextDecimal


@frozen(kw_only=True)
class AccountBalance(Model):
    """The balance of one currency. Wire: object.

    Source:
        Bitstamp API v2, Account balances, "Get account balances".
    """

    currency: str
    """In lower case, such as btc."""
    total: TextDecimal
    """Of the currency: available and reserved together."""
    available: TextDecimal
    """Of the currency: free to use."""
    reserved: TextDecimal
    """Of the currency: in open orders."""


@frozen(kw_only=True)
class FeeRates(Model):
    """Fees of trades. Wire: object."""

    maker: TextDecimal
    """Percent: of an order that waits in the book."""
    taker: TextDecimal
    """Percent: of an order that meets one in the book."""


@frozen(kw_only=True)
class TradingFee(Model):
    """The fees of the account in one market. Wire: object.

    Source:
        Bitstamp API v2, Fees, "Get trading fees".
    """

    # Quirk: here it is the symbol of a path, while other answers show the name BTC/USD.
    market: str
    """Such as btcusd."""
    fees: FeeRates
    currency_pair: str | None = None
    """The same under its older name; None if not sent."""


@frozen(kw_only=True)
class WithdrawalFee(Model):
    """The fee of a withdrawal on one network. Wire: object.

    Source:
        Bitstamp API v2, Fees, "Get withdrawal fees".
    """

    currency: str
    """In lower case, such as btc."""
    fee: TextDecimal
    """Of the currency."""
    network: str | None = None
    """None if not sent."""


class SortOrder(OpenStrEnum):
    """The order of a list."""

    ASC = "asc"
    DESC = "desc"


SortOrderWord: TypeAlias = Literal["asc", "desc"]


class TransactionType(OpenIntEnum):
    """Kind of a transaction."""

    DEPOSIT = 0
    WITHDRAWAL = 1
    MARKET_TRADE = 2
    SUB_ACCOUNT_TRANSFER = 14
    STAKED_ASSETS_CREDITED = 25
    ASSETS_SENT_TO_STAKING = 26
    STAKING_REWARD = 27
    REFERRAL_REWARD = 32
    SETTLEMENT_TRANSFER = 33
    INTER_ACCOUNT_TRANSFER = 35
    INSTANT_TRADE = 36
    """A simple purchase or sale; it has no order."""
    SMALL_BALANCE_CONVERSION = 53
    OTHER_SMALL_BALANCE_CONVERSION = 55
    DERIVATIVES_SETTLEMENT = 58
    INSURANCE_FUND_CLAIM = 59
    INSURANCE_FUND_PREMIUM = 60
    COLLATERAL_LIQUIDATION = 61


@frozen(kw_only=True)
class UserTransaction(CurrencyAmounts, Model):
    """One change of balances. Wire: object with a key per currency and one per pair of currencies.

    Source:
        Bitstamp API v2, User transactions, "Get user transactions".
    """

    id: Id
    """Id of the transaction."""
    datetime: NaiveTime
    """UTC: when it took place."""
    type: Annotated[TransactionType, Choice(TransactionType, text=True)]
    """Its kind."""
    fee: EitherDecimal
    """Counter currency: the fee of the exchange."""
    order_id: Id | None = None
    """Id of the order that traded; None for all else."""
    self_trade: bool | None = None
    """Whether the account traded with itself; None if not sent."""
    self_trade_order_id: Id | None = None
    """Id of the other order of such a trade; None if not sent."""
    margin_mode: str | None = None
    """Of a derivative; None for all else."""
    leverage_rate: EitherDecimal | None = None
    """Of a derivative; None for all else."""
    amounts: dict[str, EitherDecimal] = field(factory=dict[str, EitherDecimal])
    """Of each currency, such as btc: received (above zero) or spent (below); zero if nothing moved."""
    rates: dict[str, EitherDecimal] = field(factory=dict[str, EitherDecimal])
    """Second currency per first, by pair such as btc_usd: the price."""

    @property
    def pair(self) -> str | None:
        """The pair that was traded, such as btc_usd: of those in *rates* the only one of which both currencies moved.

        None if there is none, or more than one. `rates` has its price, and the sign of its first amount is the side.
        """
        moved = {name for name, amount in self.amounts.items() if amount}
        pairs = [pair for pair in self.rates if set(pair.split("_")) <= moved]
        return pairs[0] if len(pairs) == 1 else None


@frozen(kw_only=True)
class TradingMarket(Model):
    """A market in which the account may trade. Wire: object.

    Source:
        Bitstamp API v2, Market info, "Get my markets".
    """

    name: str
    """Such as BTC/USD."""
    url_symbol: str
    """The value for *market*, such as btcusd."""


@frozen(kw_only=True)
class WebsocketsToken(Model):
    """A secret that opens private channels of the stream. Wire: object.

    Source:
        Bitstamp API v2, WebSockets, "Get WebSockets token".
    """

    token: Id = field(repr=False)
    """The secret."""
    valid_sec: int
    """Seconds for which it opens channels."""
    user_id: Id
    """Id of the account, part of the names of private channels."""


@frozen(kw_only=True)
class RevokedApiKeys(Model):
    """Keys that are good no more. Wire: object.

    Source:
        Bitstamp API v2, API keys, "Revoke all API keys".
    """

    revoked_api_keys: tuple[Id, ...] = field(repr=False)
    """Every key of the account, the one that asked included."""
