"""Bots at Bitex that buy or sell a large amount in pieces."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any

from attrs import evolve

from exchanges.bitex.api import API, MINIMUM_ASK, MINIMUM_BID
from exchanges.bitex.checks import ECHOED_ID, at_least, between, present_if_true
from exchanges.bitex.models.bots import Bot, BuyingBot, SellingBot
from exchanges.endpoint import CANCEL, MONEY, Area, Endpoint, Param, private
from exchanges.endpoint.paging import each_once
from exchanges.errors import ExchangeError, NotFound, OutcomeUnknown
from exchanges.intents import Intent
from exchanges.wire import Amount

_SECONDS = between(10, 600, "seconds")


async def _cancel(area: Area, endpoint: Endpoint, arguments: Mapping[str, Any]) -> Bot:
    """Cancel a bot in one or two requests, then read it again: the answer to a cancel may be out of date."""
    show = next(e for e in area.endpoints if e.id == endpoint.id.replace(".cancel_", "."))
    bot: Bot | None = None
    failure: OutcomeUnknown | None = None
    at = datetime.now(UTC)
    try:
        bot = await _request_cancel(area, endpoint, arguments)
    except OutcomeUnknown as unknown:
        failure = unknown
    with suppress(ExchangeError):  # what the cancel answered is evidence as well
        bot = await area.caller(show, arguments)
    # Quirk: the guide prints the bot of its other samples here, which goes on. By its own words of the two fields, one
    # that was cancelled shows it in either.
    if bot is not None and (bot.to_cancel or not bot.executing):
        return bot
    raise failure or OutcomeUnknown(
        f"{endpoint.id}: after the cancel the bot is shown as executing, and not as to be cancelled; it may go on: "
        "call it again, or read the bot",
        intent=Intent(endpoint.id, {"bot_id": str(arguments["bot_id"])}, at),
        endpoint=endpoint.id,
    )


async def _request_cancel(area: Area, endpoint: Endpoint, arguments: Mapping[str, Any]) -> Bot:
    try:
        bot: Bot = await area.caller(endpoint, arguments)
    except (NotFound, OutcomeUnknown) as missing:
        if missing.status != HTTPStatus.NOT_FOUND:
            raise
        # Quirk: the guide prints the path of a cancel without its last part, as that of showing a bot; every other
        # cancel of the API ends in /cancel. So that is tried first, and the printed path if it does not exist: bots
        # are created on the path above, so that posting to the printed one creates nothing.
        printed = evolve(endpoint, route=endpoint.route.removesuffix("/cancel"))
        bot = await area.caller(printed, arguments)
    return bot


class Bots(Area, api=API):
    """Bots buy or sell an amount in pieces, for a better price than one large order gets.

    A bot places orders of at most its chunk size one after the other, at the best market price, *time_to_live* seconds
    apart, so that the order book can fill up again; what is still open of an order then is cancelled. While the spread
    between best bid and best ask is more than 10 USD it places none.

    Bots neither check nor lock funds: one that cannot place an order stops early, and its exit status says why.
    """

    __slots__ = ()

    @private("GET /private/buying_bots")
    async def buying_bots(self, *, full: Annotated[bool, Param(render=present_if_true)] = False) -> list[BuyingBot]:
        """Return buying bots created within the last 24 hours; at most 200.

        Args:
            full: Include older ones; still at most 200.

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
            amount: USD to spend in total; at least 1.
            chunk_size: USD per order; at least 1. A remainder is spent last.
            time_to_live: Seconds between orders, 10 to 600. The bot waits even if an order is filled earlier.

        Returns:
            The new bot, executing. Wire: object.

        Source:
            Bitex developer guide, Hosted Trading Bots, "Create a Buying Bot".
        """
        ...

    @private("GET /private/buying_bots/{bot_id}")
    async def buying_bot(self, bot_id: Annotated[int, ECHOED_ID]) -> BuyingBot:
        """Return one of your buying bots.

        Args:
            bot_id: The `BuyingBot.id`.

        Returns:
            Wire: object.

        Source:
            Bitex developer guide, Hosted Trading Bots, "Show a Buying Bot".
        """
        ...

    @private("POST /private/buying_bots/{bot_id}/cancel", kind=CANCEL, via=_cancel)
    async def cancel_buying_bot(self, bot_id: Annotated[int, ECHOED_ID]) -> BuyingBot:
        """Request the cancellation of a buying bot and its outstanding orders.

        Two requests, each with its own deadline: the cancel, and a read of the bot; a third if the server knows only
        the path in the guide. The bot may still trade until its outstanding orders are cancelled.

        Args:
            bot_id: The `BuyingBot.id`.

        Returns:
            The bot as read afterwards: to be cancelled, or no longer executing. Wire: object.

        Raises:
            OutcomeUnknown: The bot is shown as going on, or nothing shows what became of it; it is safe to call again.

        Source:
            Bitex developer guide, Hosted Trading Bots, "Cancel a buying Bot"; for the path, the later API.
        """
        ...

    @private("GET /private/selling_bots")
    async def selling_bots(self, *, full: Annotated[bool, Param(render=present_if_true)] = False) -> list[SellingBot]:
        """Return selling bots created within the last 24 hours; at most 200.

        Args:
            full: Include older ones; still at most 200.

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
            amount: BTC to sell in total; at least 0.005.
            chunk_size: BTC per order; at least 0.005. A remainder is sold last.
            time_to_live: Seconds between orders, 10 to 600. The bot waits even if an order is filled earlier.

        Returns:
            The new bot, executing. Wire: object.

        Source:
            Bitex developer guide, Hosted Trading Bots, "Create a Selling Bot".
        """
        ...

    @private("GET /private/selling_bots/{bot_id}")
    async def selling_bot(self, bot_id: Annotated[int, ECHOED_ID]) -> SellingBot:
        """Return one of your selling bots.

        Args:
            bot_id: The `SellingBot.id`.

        Returns:
            Wire: object.

        Source:
            Bitex developer guide, Hosted Trading Bots, "Show a Selling Bot".
        """
        ...

    @private("POST /private/selling_bots/{bot_id}/cancel", kind=CANCEL, via=_cancel)
    async def cancel_selling_bot(self, bot_id: Annotated[int, ECHOED_ID]) -> SellingBot:
        """Request the cancellation of a selling bot and its outstanding orders.

        Two requests, each with its own deadline: the cancel, and a read of the bot; a third if the server knows only
        the path in the guide. The bot may still trade until its outstanding orders are cancelled.

        Args:
            bot_id: The `SellingBot.id`.

        Returns:
            The bot as read afterwards: to be cancelled, or no longer executing. Wire: object.

        Raises:
            OutcomeUnknown: The bot is shown as going on, or nothing shows what became of it; it is safe to call again.

        Source:
            Bitex developer guide, Hosted Trading Bots, "Cancel a selling Bot"; for the path, the later API.
        """
        ...

    def every_buying_bot(self) -> AsyncIterator[BuyingBot]:
        """Iterate over the buying bots, newest first: those of the last 24 hours, then older ones.

        Older ones are read only when the iteration gets there. Bitex returns at most 200 bots.
        """
        # The full list begins with the last 24 hours again.
        return each_once((self.buying_bots, partial(self.buying_bots, full=True)), lambda bot: bot.id)

    def every_selling_bot(self) -> AsyncIterator[SellingBot]:
        """Iterate over the selling bots, newest first: those of the last 24 hours, then older ones.

        Older ones are read only when the iteration gets there. Bitex returns at most 200 bots.
        """
        # The full list begins with the last 24 hours again.
        return each_once((self.selling_bots, partial(self.selling_bots, full=True)), lambda bot: bot.id)
