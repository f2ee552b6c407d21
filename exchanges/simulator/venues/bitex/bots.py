"""Bots: stored and cancelled. They do not trade, as the developer guide says too little about how they do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

from attrs import define, evolve, field

from exchanges.bitex.bots import Bots
from exchanges.bitex.models.bots import BotExitStatus, BotIssuer, BuyingBot, SellingBot
from exchanges.simulator.engine.rejections import Reason, refuse_if
from exchanges.simulator.engine.store import Store
from exchanges.simulator.venues.bitex.customers import BitexCall, BitexHandlers, amount_of, created_since, finds
from exchanges.simulator.venues.calls import second
from exchanges.simulator.venues.handlers import Handler, handles, lists

MINIMUM = {BuyingBot: Decimal(1), SellingBot: Decimal("0.005")}
SHORTEST_SECONDS, LONGEST_SECONDS = 10, 600
DAY, MOST_BOTS = timedelta(days=1), 200

B = TypeVar("B", BuyingBot, SellingBot)
StoreOf = Callable[["BotHandlers"], Store[B]]


def _creates(method: Callable[..., Any], kind: type[B], store_of: StoreOf[B]) -> Handler:
    def create(handlers: BotHandlers, call: BitexCall) -> object:
        amount, chunk_size = (amount_of(call, name, MINIMUM[kind]) for name in ("amount", "chunk_size"))
        seconds = call.arguments.integer("time_to_live")
        refuse_if(not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS, Reason.WRONG_NUMBER, "time_to_live")
        store = store_of(handlers)
        bot = _new(kind, store.next_id(), call.owner, amount, call.now_ms)
        return store.put(call.owner, bot.id, evolve(bot, chunk_size=chunk_size, time_to_live=seconds))

    return handles(method)(create)


def _cancels(method: Callable[..., Any], store_of: StoreOf[B]) -> Handler:
    def cancel(handlers: BotHandlers, call: BitexCall) -> object:
        store = store_of(handlers)
        bot = store.get(call.owner, call.arguments.integer("bot_id"))
        if not bot.executing or bot.to_cancel:
            return bot
        status = BotExitStatus.CANCELLED
        end = partial(store.change, bot.id, executing=False, updated_at=call.now, exit_status=status)
        # Due now, and so run before the next request: the answer to this one still says that it executes.
        handlers.engine.scheduler.at(call.now_ms, lambda _: end())
        return store.change(bot.id, to_cancel=True, updated_at=call.now)

    return handles(method)(cancel)


def _lists(method: Callable[..., Any], store_of: StoreOf[B]) -> Handler:
    def recent(handlers: BotHandlers, call: BitexCall) -> list[B]:
        bots = store_of(handlers).of(call.owner)
        every = call.arguments.flag("full", default=False)
        return (bots if every else created_since(bots, call.now_ms, DAY))[:MOST_BOTS]

    return lists(method, recent)


@define(eq=False)
class BotHandlers(BitexHandlers):
    """Bots, kept until they are cancelled."""

    buying: Store[BuyingBot] = field(init=False, factory=Store[BuyingBot])
    selling: Store[SellingBot] = field(init=False, factory=Store[SellingBot])

    create_buying_bot = _creates(Bots.create_buying_bot, BuyingBot, lambda self: self.buying)
    buying_bots = _lists(Bots.buying_bots, lambda self: self.buying)
    buying_bot = finds(Bots.buying_bot, lambda self: self.buying, "bot_id")
    cancel_buying_bot = _cancels(Bots.cancel_buying_bot, lambda self: self.buying)
    create_selling_bot = _creates(Bots.create_selling_bot, SellingBot, lambda self: self.selling)
    selling_bots = _lists(Bots.selling_bots, lambda self: self.selling)
    selling_bot = finds(Bots.selling_bot, lambda self: self.selling, "bot_id")
    cancel_selling_bot = _cancels(Bots.cancel_selling_bot, lambda self: self.selling)

    def start_selling(self, user_id: int, quantity: Decimal, deposit_id: int, now_ms: int) -> None:
        """Start the bot that sells a deposit to an address that sells."""
        bot = _new(SellingBot, self.selling.next_id(), user_id, quantity, now_ms)
        self.selling.put(user_id, bot.id, evolve(bot, issuer_type=BotIssuer.COIN_DEPOSIT, issuer_id=deposit_id))


def _new(kind: type[B], bot_id: int, user_id: int, amount: Decimal, now_ms: int) -> B:
    return kind(
        id=bot_id,
        created_at=second(now_ms),
        updated_at=second(now_ms),
        user_id=user_id,
        orderbook_id=1,
        time_to_live=60,
        executing=True,
        to_cancel=False,
        issuer_type=BotIssuer.API_KEY,
        issuer_id=1,
        amount=amount,
        produced_amount=Decimal(0),
        remaining_amount=amount,
        chunk_size=amount,
    )
