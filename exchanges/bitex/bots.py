"""Bots at Bitex that buy or sell a large amount in pieces."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Annotated, Any, TypeVar

from attrs import evolve, frozen

from exchanges.bitex.api import API, MINIMUM_ASK, MINIMUM_BID
from exchanges.bitex.checks import at_least, between, present_if_true
from exchanges.bitex.models.bots import Bot, BuyingBot, SellingBot
from exchanges.endpoint import IDEMPOTENT, MONEY, Area, Caller, Endpoint, Param, private
from exchanges.errors import ExchangeError, NotFound, OutcomeUnknown
from exchanges.wire import Amount

__all__ = ["Bots"]

_SECONDS = between(10, 600, "seconds")

B = TypeVar("B", bound=Bot)


@frozen(eq=False)
class _Cancelling:
    """Carries calls through; a cancel is one or two requests and ends in reading the bot again.

    The guide prints the path of a cancel without its last part, as it prints the path of showing a bot; every other
    cancel of the API ends in ``/cancel``. So that is tried first, and the printed path where that does not exist:
    bots are created on the path above, so posting to the printed one creates nothing.
    """

    caller: Caller

    async def call(self, endpoint: Endpoint, arguments: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as in `Caller`
        """Carry one call through."""
        if not endpoint.route.endswith("/cancel"):
            return await self.caller.call(endpoint, arguments)
        show = next(e for e in Bots.endpoints if e.id == endpoint.id.replace(".cancel_", "."))
        try:
            bot = await self._cancel(endpoint, arguments)
        except OutcomeUnknown:
            bot = await self.caller.call(show, arguments)
            if bot.executing and not bot.to_cancel:
                raise
            return bot
        with suppress(ExchangeError):  # it was cancelled: what the cancel answered is true as well
            bot = await self.caller.call(show, arguments)
        return bot

    async def _cancel(self, endpoint: Endpoint, arguments: Mapping[str, Any]) -> Bot:
        try:
            bot: Bot = await self.caller.call(endpoint, arguments)
        except NotFound:
            # Quirk: the guide's own path, see above.
            printed = evolve(endpoint, route=endpoint.route.removesuffix("/cancel"))
            bot = await self.caller.call(printed, arguments)
        return bot


class Bots(Area, api=API):
    """Let Bitex buy or sell an amount in pieces, for a better price than one large order gets.

    A bot places one order of at most its chunk size after the other, at the best price of the market, each
    *time_to_live* seconds after the one before, so that the order book fills up again; what is still open then is
    cancelled. While the best bid and the best ask are more than 10 USD apart it places nothing.

    Bots neither check nor lock funds: one that cannot place an order ends early, and its exit status says why.
    """

    __slots__ = ()

    def __init__(self, caller: Caller) -> None:
        super().__init__(_Cancelling(caller))

    @private("GET /private/buying_bots")
    async def buying_bots(self, *, full: Annotated[bool, Param(render=present_if_true)] = False) -> list[BuyingBot]:
        """Bots that buy, created within the last 24 hours; at most 200.

        Args:
            full: Older ones too; still at most 200.

        Returns:
            Newest first. Wire: list of objects.

        Source:
            Bitex developer guide, Hosted Trading Bots, "List your Buying Bots".
        """
        ...

    @private("POST /private/buying_bots", kind=MONEY)
    async def create_buying_bot(
        self,
        *,
        amount: Annotated[Amount, at_least(MINIMUM_BID, "USD")],
        chunk_size: Annotated[Amount, at_least(MINIMUM_BID, "USD")],
        time_to_live: Annotated[int, _SECONDS],
    ) -> BuyingBot:
        """Spend an amount of USD in pieces.

        Args:
            amount: USD to spend in all; at least 1.
            chunk_size: USD of one order; at least 1. A remainder is spent last.
            time_to_live: Seconds between orders, 10 to 600. The bot waits even where an order is through earlier.

        Returns:
            The new bot, which runs. Wire: object.

        Source:
            Bitex developer guide, Hosted Trading Bots, "Create a Buying Bot".
        """
        ...

    @private("GET /private/buying_bots/{bot_id}")
    async def buying_bot(self, bot_id: int) -> BuyingBot:
        """One of your bots that buy.

        Args:
            bot_id: The `BuyingBot.id`.

        Returns:
            Wire: object.

        Source:
            Bitex developer guide, Hosted Trading Bots, "Show a Buying Bot".
        """
        ...

    @private("POST /private/buying_bots/{bot_id}/cancel", kind=IDEMPOTENT)
    async def cancel_buying_bot(self, bot_id: int) -> BuyingBot:
        """Ask for a bot that buys, and its outstanding orders, to be cancelled.

        Two requests, with a deadline each: the cancel, and reading the bot again; a third where the server knows the
        path of the guide only. The bot may still trade until its outstanding orders are cancelled.

        Args:
            bot_id: The `BuyingBot.id`.

        Returns:
            The bot as it was read afterwards: to be cancelled, or no longer executing. Wire: object.

        Source:
            Bitex developer guide, Hosted Trading Bots, "Cancel a buying Bot"; for the path, the later API.
        """
        ...

    @private("GET /private/selling_bots")
    async def selling_bots(self, *, full: Annotated[bool, Param(render=present_if_true)] = False) -> list[SellingBot]:
        """Bots that sell, created within the last 24 hours; at most 200.

        Args:
            full: Older ones too; still at most 200.

        Returns:
            Newest first. Wire: list of objects.

        Source:
            Bitex developer guide, Hosted Trading Bots, "List your Selling Bots".
        """
        ...

    @private("POST /private/selling_bots", kind=MONEY)
    async def create_selling_bot(
        self,
        *,
        amount: Annotated[Amount, at_least(MINIMUM_ASK, "BTC")],
        chunk_size: Annotated[Amount, at_least(MINIMUM_ASK, "BTC")],
        time_to_live: Annotated[int, _SECONDS],
    ) -> SellingBot:
        """Sell an amount of BTC in pieces.

        Args:
            amount: BTC to sell in all; at least 0.005.
            chunk_size: BTC of one order; at least 0.005. A remainder is sold last.
            time_to_live: Seconds between orders, 10 to 600. The bot waits even where an order is through earlier.

        Returns:
            The new bot, which runs. Wire: object.

        Source:
            Bitex developer guide, Hosted Trading Bots, "Create a Selling Bot".
        """
        ...

    @private("GET /private/selling_bots/{bot_id}")
    async def selling_bot(self, bot_id: int) -> SellingBot:
        """One of your bots that sell.

        Args:
            bot_id: The `SellingBot.id`.

        Returns:
            Wire: object.

        Source:
            Bitex developer guide, Hosted Trading Bots, "Show a Selling Bot".
        """
        ...

    @private("POST /private/selling_bots/{bot_id}/cancel", kind=IDEMPOTENT)
    async def cancel_selling_bot(self, bot_id: int) -> SellingBot:
        """Ask for a bot that sells, and its outstanding orders, to be cancelled.

        Two requests, with a deadline each: the cancel, and reading the bot again; a third where the server knows the
        path of the guide only. The bot may still trade until its outstanding orders are cancelled.

        Args:
            bot_id: The `SellingBot.id`.

        Returns:
            The bot as it was read afterwards: to be cancelled, or no longer executing. Wire: object.

        Source:
            Bitex developer guide, Hosted Trading Bots, "Cancel a selling Bot"; for the path, the later API.
        """
        ...

    def every_buying_bot(self) -> AsyncIterator[BuyingBot]:
        """Go through the bots that buy, newest first: the last 24 hours, and then what is older.

        Older ones are asked for only when the iteration gets there. Bitex tells of 200 bots at most.
        """
        return _newest_first(lambda full: self.buying_bots(full=full))

    def every_selling_bot(self) -> AsyncIterator[SellingBot]:
        """Go through the bots that sell, newest first: the last 24 hours, and then what is older.

        Older ones are asked for only when the iteration gets there. Bitex tells of 200 bots at most.
        """
        return _newest_first(lambda full: self.selling_bots(full=full))


async def _newest_first(read: Callable[[bool], Awaitable[list[B]]]) -> AsyncIterator[B]:
    """Give what both readings name, each bot once."""
    seen: set[int] = set()
    for full in (False, True):
        for bot in await read(full):
            if bot.id not in seen:
                seen.add(bot.id)
                yield bot
