"""Bots: kept and cancelled. They trade nothing, as the guide says too little of how they do."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TypeVar

from attrs import define, evolve, field

from exchanges.bitex.models.bots import BotExitStatus, BotIssuer, BuyingBot, SellingBot
from exchanges.simulator.engine.rejections import Reason, Refused
from exchanges.simulator.engine.store import Shelf
from exchanges.simulator.venues.bitex.base import House, account_of, amount_of, made_since
from exchanges.simulator.venues.venue import Call, handles, second

__all__ = ["BotCounter"]

MINIMUM = {BuyingBot: Decimal(1), SellingBot: Decimal("0.005")}
SHORTEST_SECONDS, LONGEST_SECONDS = 10, 600
DAY, MOST_BOTS = timedelta(days=1), 200

B = TypeVar("B", BuyingBot, SellingBot)


@define(eq=False, slots=False)
class BotCounter(House):
    """Keeps bots until they are cancelled."""

    buying: Shelf[BuyingBot] = field(init=False, factory=Shelf[BuyingBot])
    selling: Shelf[SellingBot] = field(init=False, factory=Shelf[SellingBot])

    @handles("bitex.bots.create_buying_bot")
    def create_buying_bot(self, call: Call) -> object:
        """Start a bot that buys."""
        return self._create(call, self.buying, BuyingBot)

    @handles("bitex.bots.buying_bots")
    def buying_bots(self, call: Call) -> object:
        """List bots that buy."""
        return _listed(call, self.buying)

    @handles("bitex.bots.buying_bot")
    def buying_bot(self, call: Call) -> object:
        """Find a bot that buys."""
        return _found(call, self.buying)

    @handles("bitex.bots.cancel_buying_bot")
    def cancel_buying_bot(self, call: Call) -> object:
        """Begin to cancel a bot that buys."""
        return self._cancel(call, self.buying)

    @handles("bitex.bots.create_selling_bot")
    def create_selling_bot(self, call: Call) -> object:
        """Start a bot that sells."""
        return self._create(call, self.selling, SellingBot)

    @handles("bitex.bots.selling_bots")
    def selling_bots(self, call: Call) -> object:
        """List bots that sell."""
        return _listed(call, self.selling)

    @handles("bitex.bots.selling_bot")
    def selling_bot(self, call: Call) -> object:
        """Find a bot that sells."""
        return _found(call, self.selling)

    @handles("bitex.bots.cancel_selling_bot")
    def cancel_selling_bot(self, call: Call) -> object:
        """Begin to cancel a bot that sells."""
        return self._cancel(call, self.selling)

    def start_selling(self, user_id: int, quantity: Decimal, deposit_id: int, now_ms: int) -> None:
        """Start the bot that belongs to a deposit to an address of the kind that sells."""
        bot = _new(SellingBot, (self.selling.next_id(), user_id), (quantity, quantity), 60, now_ms)
        self.selling.put(user_id, bot.id, evolve(bot, issuer_type=BotIssuer.COIN_DEPOSIT, issuer_id=deposit_id))

    def _create(self, call: Call, shelf: Shelf[B], kind: type[B]) -> B:
        minimum, user_id = MINIMUM[kind], account_of(call).user_id
        amounts = amount_of(call, "amount", minimum), amount_of(call, "chunk_size", minimum)
        seconds = call.arguments.integer("time_to_live")
        if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
            raise Refused(Reason.WRONG_NUMBER, "time_to_live")
        bot = _new(kind, (shelf.next_id(), user_id), amounts, seconds, call.now_ms)
        return shelf.put(user_id, bot.id, bot)

    def _cancel(self, call: Call, shelf: Shelf[B]) -> B:
        bot = _found(call, shelf)
        if not bot.executing or bot.to_cancel:
            return bot
        self.diary.at(call.now_ms, lambda at_ms: self._end(shelf, bot.id, at_ms))
        return shelf.put(bot.user_id, bot.id, evolve(bot, to_cancel=True, updated_at=second(call.now_ms)))

    def _end(self, shelf: Shelf[B], bot_id: int, now_ms: int) -> None:
        bot = shelf.find(shelf.owner(bot_id), bot_id)
        ended = evolve(bot, executing=False, exit_status=BotExitStatus.CANCELLED, updated_at=second(now_ms))
        shelf.put(bot.user_id, bot.id, ended)


def _new(kind: type[B], whose: tuple[int, int], amounts: tuple[Decimal, Decimal], seconds: int, now_ms: int) -> B:
    (bot_id, user_id), (amount, chunk_size) = whose, amounts
    return kind(
        id=bot_id,
        created_at=second(now_ms),
        updated_at=second(now_ms),
        user_id=user_id,
        orderbook_id=1,
        time_to_live=seconds,
        executing=True,
        to_cancel=False,
        issuer_type=BotIssuer.API_KEY,
        issuer_id=1,
        amount=amount,
        produced_amount=Decimal(0),
        remaining_amount=amount,
        chunk_size=chunk_size,
    )


def _found(call: Call, shelf: Shelf[B]) -> B:
    return shelf.find(account_of(call).user_id, call.arguments.integer("bot_id"))


def _listed(call: Call, shelf: Shelf[B]) -> list[B]:
    bots = shelf.of(account_of(call).user_id)
    return (bots if call.arguments.flag("full", default=False) else made_since(bots, call.now_ms, DAY))[:MOST_BOTS]
