"""Sample history of a Bitex account: one movement of each class, adding up to its balances."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from attrs import frozen

from exchanges.bitex import (
    Ask,
    Bid,
    Buy,
    DepositMethod,
    DepositReason,
    DepositStatus,
    OrderReason,
    OrderStatus,
    Sell,
    SpecieDeposit,
    SpecieWithdrawal,
    SpecieWithdrawalReason,
    UsdDeposit,
    UsdWithdrawal,
    UsdWithdrawalReason,
    WithdrawalStatus,
)
from exchanges.simulator.engine.snapshots import Shared
from exchanges.simulator.engine.store import FIRST_ID
from exchanges.simulator.venues.venue import second

__all__ = ["NO_HISTORY", "History", "Row", "sample_history"]

Row = Bid | Ask | Buy | Sell | SpecieDeposit | SpecieWithdrawal | UsdDeposit | UsdWithdrawal
FIRST_BTC_IN = Decimal("0.25000000")
USD_IN, USD_OUT, USD_SPENT = Decimal("120000.00"), Decimal("1500.00"), Decimal("6000.00")
BTC_IN, BTC_OUT, BTC_SOLD = Decimal("5.00000000"), Decimal("0.50000000"), Decimal("0.05000000")
BUY_PRICE, SELL_PRICE = Decimal("60000.00"), Decimal("62000.00")
BTC_BOUGHT, USD_RECEIVED = Decimal("0.10000000"), Decimal("3100.00")


@frozen
class History(Shared):
    """Movements before the simulator started, newest first, and the balances that they leave."""

    movements: tuple[Row, ...]
    trades: tuple[Buy | Sell, ...]
    usd: Decimal
    btc: Decimal


NO_HISTORY = History((), (), Decimal(0), Decimal(0))


def sample_history(started_ms: int, fee_percent: Decimal) -> History:
    """Return movements of all eight classes in the months before *started_ms*."""
    started = second(started_ms)
    btc_fee, usd_fee = BTC_BOUGHT * fee_percent / 100, USD_RECEIVED * fee_percent / 100
    bid, buy = _bought(started - timedelta(days=4), btc_fee)
    ask, sell = _sold(started - timedelta(days=3), usd_fee)
    deposits = _deposited(started - timedelta(days=20), started - timedelta(days=200))
    withdrawals = _withdrawn(started - timedelta(days=1))
    return History(
        movements=(*withdrawals, sell, ask, buy, bid, *deposits),
        trades=(sell, buy),
        usd=USD_IN - USD_OUT - USD_SPENT + USD_RECEIVED - usd_fee,
        btc=FIRST_BTC_IN + BTC_IN - BTC_OUT + BTC_BOUGHT - btc_fee - BTC_SOLD,
    )


def _bought(at: datetime, fee: Decimal) -> tuple[Bid, Buy]:
    bid = Bid(
        id=1,
        created_at=at,
        orderbook=1,
        amount=USD_SPENT,
        remaining_amount=Decimal(0),
        price=BUY_PRICE,
        status=OrderStatus.COMPLETED,
        reason=OrderReason.NOT_CANCELLED,
        produced_amount=BTC_BOUGHT - fee,
        issuer="ApiKey#1",
        fee=fee,
    )
    buy = Buy(
        id=1, created_at=at, orderbook=1, quantity=BTC_BOUGHT, amount=USD_SPENT, fee=fee, price=BUY_PRICE, bid_id=1
    )
    return bid, buy


def _sold(at: datetime, fee: Decimal) -> tuple[Ask, Sell]:
    ask = Ask(
        id=1,
        created_at=at,
        orderbook=1,
        amount=BTC_SOLD,
        remaining_amount=Decimal(0),
        price=SELL_PRICE,
        status=OrderStatus.COMPLETED,
        reason=OrderReason.NOT_CANCELLED,
        produced_amount=USD_RECEIVED - fee,
        issuer="User#1",
        fee=fee,
    )
    sell = Sell(
        id=1, created_at=at, orderbook=1, quantity=BTC_SOLD, amount=USD_RECEIVED, fee=fee, price=SELL_PRICE, ask_id=1
    )
    return ask, sell


def _deposited(at: datetime, first_at: datetime) -> tuple[UsdDeposit, SpecieDeposit, SpecieDeposit]:
    money = UsdDeposit(
        id=1,
        created_at=at,
        requested_amount=USD_IN,
        amount=USD_IN,
        deposit_method=DepositMethod.OTHER,
        status=DepositStatus.DONE,
        reason=DepositReason.NOT_CANCELLED,
        country="UY",
        currency="USD",
        kyc_profile_id=FIRST_ID,
        request_details="wire",
        currency_id=3,
    )
    coins = SpecieDeposit(id=2, created_at=at, specie=1, quantity=BTC_IN)
    return money, coins, SpecieDeposit(id=1, created_at=first_at, specie=1, quantity=FIRST_BTC_IN)


def _withdrawn(at: datetime) -> tuple[UsdWithdrawal, SpecieWithdrawal]:
    money = UsdWithdrawal(
        id=1,
        created_at=at,
        amount=USD_OUT,
        status=WithdrawalStatus.DONE,
        reason=UsdWithdrawalReason.NOT_CANCELLED,
        country="UY",
        currency="USD",
        payment_method="bb",
        label="staff",
        kyc_profile_id=FIRST_ID,
        instructions={"note": "as arranged"},
        currency_id=3,
    )
    coins = SpecieWithdrawal(
        id=1,
        created_at=at,
        specie=1,
        quantity=BTC_OUT,
        status=WithdrawalStatus.DONE,
        reason=SpecieWithdrawalReason.NOT_CANCELLED,
        to_address="1SimulatedAddressElsewhere",
        label="cold",
        kyc_profile_id=FIRST_ID,
        transaction_id="51" * 32,
    )
    return money, coins
