import httpx
import pytest

from exchanges.bitex.models.bots import BotExitStatus, BotIssuer, BuyingBot
from exchanges.errors import AuthenticationFailed, NotFound, OutcomeUnknown
from exchanges.wire import decode, dumps, encode
from tests.support.bitex_requests import client, refused, text
from tests.support.scripted_transport import Script, answer, html
from tests.support.virtual_time import in_virtual_time

BASE = "/api-v1/rest/private"
BOT = {
    "id": 7,
    "created_at": 946685400,
    "updated_at": 946685400,
    "user_id": 1,
    "orderbook_id": 1,
    "amount": 10,
    "produced_amount": 0,
    "remaining_amount": 10,
    "chunk_size": 1,
    "time_to_live": 20,
    "executing": True,
    "to_cancel": False,
    "exit_status": None,
    "issuer_type": "ApiKey",
    "issuer_id": 1,
}
ENDING = {**BOT, "to_cancel": True}
KINDS = ["buying", "selling"]


async def cancelled(script, kind="buying"):
    """Cancel bot 7."""
    async with client(script) as bitex:
        return await getattr(bitex.bots, f"cancel_{kind}_bot")(7)


class TestArguments:
    @pytest.mark.parametrize(
        ("kind", "wrong", "words"),
        [
            ("buying", {"amount": "0.99"}, "amount must be at least 1 USD"),
            ("buying", {"chunk_size": "0.99"}, "chunk_size must be at least 1 USD"),
            ("selling", {"amount": "0.0049"}, "amount must be at least 0.005 BTC"),
            ("selling", {"chunk_size": "0.0049"}, "chunk_size must be at least 0.005 BTC"),
            ("buying", {"time_to_live": 9}, "time_to_live must be 10 to 600 seconds"),
            ("selling", {"time_to_live": 601}, "time_to_live must be 10 to 600 seconds"),
            ("selling", {"time_to_live": 20.0}, "time_to_live must be an int"),
        ],
    )
    def test_out_of_bounds(self, kind, wrong, words):
        """An amount, chunk size or time outside the documented range is rejected before it is sent."""
        arguments = {"amount": 10, "chunk_size": 1, "time_to_live": 20, **wrong}

        assert words in refused(f"bots.create_{kind}_bot", **arguments)

    @pytest.mark.parametrize(("kind", "least"), [("buying", "1"), ("selling", "0.005")])
    @pytest.mark.parametrize("seconds", [10, 600])
    def test_the_bounds_themselves(self, kind, least, seconds):
        """Both ends of the range are accepted."""
        body = text(f"bots.create_{kind}_bot", amount=least, chunk_size=least, time_to_live=seconds)

        assert f"amount={least}&chunk_size={least}&time_to_live={seconds}" == body

    @pytest.mark.parametrize(("full", "query"), [(True, "full=true"), (False, "")])
    def test_full_works_by_being_there(self, full, query):
        """A list that is not full omits the flag, because any value would mean true."""
        assert query == text("bots.selling_bots", full=full)


class TestModels:
    def test_a_bot_that_stopped(self):
        """A bot without funds for an order has that exit status, and the payment that created it."""
        bot = decode(
            dumps({**BOT, "executing": False, "exit_status": "cant_afford_order", "issuer_type": "Payment"}), BuyingBot
        )

        assert (False, BotExitStatus.CANT_AFFORD_ORDER, BotIssuer.PAYMENT) == (
            bot.executing,
            bot.exit_status,
            bot.issuer_type,
        )

    def test_an_unknown_reason(self):
        """A reason that the guide does not name is kept and encodes as received."""
        bot = decode(dumps({**BOT, "exit_status": "bored"}), BuyingBot)

        assert ("bored", False, "bored") == (encode(bot)["exit_status"], bot.exit_status.is_known, bot.exit_status)


class TestCancelling:
    @pytest.mark.parametrize("kind", KINDS)
    @in_virtual_time
    async def test_the_bot_is_read_again(self, kind):
        """A cancel ends with reading the bot: what it has come to is what counts."""
        script = Script.of(answer(BOT), answer(ENDING))

        bot = await cancelled(script, kind)

        assert [f"POST {BASE}/{kind}_bots/7/cancel", f"GET {BASE}/{kind}_bots/7"] == list(script.paths)
        assert bot.to_cancel

    @pytest.mark.parametrize("missing", [html(404), answer({"errors": [{"code": None, "detail": None}]}, 404)])
    @pytest.mark.parametrize("kind", KINDS)
    @in_virtual_time
    async def test_the_guides_own_path(self, kind, missing):
        """Where there is no path that ends in cancel, the one that the guide prints is taken."""
        script = Script.of(missing, answer(BOT), answer(ENDING))

        bot = await cancelled(script, kind)

        path = f"{BASE}/{kind}_bots/7"
        assert [f"POST {path}/cancel", f"POST {path}", f"GET {path}"] == list(script.paths)
        assert bot.to_cancel

    @in_virtual_time
    async def test_no_such_bot(self):
        """A bot that neither path knows is not found, and the error names the declared call."""
        with pytest.raises(NotFound) as caught:
            await cancelled(Script.of(answer({"errors": [{"code": None, "detail": None}]}, 404)))

        assert "bitex.bots.cancel_buying_bot" == caught.value.endpoint

    @in_virtual_time
    async def test_no_such_path(self):
        """Pages with status 404 do not say that there is no such bot."""
        with pytest.raises(OutcomeUnknown) as caught:
            await cancelled(Script.of(html(404)))

        assert ("bitex.bots.cancel_buying_bot", 404) == (caught.value.endpoint, caught.value.status)

    @in_virtual_time
    async def test_a_refusal(self):
        """A refusal for another reason is told as it is, and nothing else is tried."""
        script = Script.of(answer({"error": "Invalid Api Key"}, 401))

        with pytest.raises(AuthenticationFailed):
            await cancelled(script)

        assert [f"POST {BASE}/buying_bots/7/cancel"] == list(script.paths)

    @pytest.mark.parametrize("after", [ENDING, {**BOT, "executing": False, "exit_status": "cancelled"}])
    @in_virtual_time
    async def test_an_empty_answer(self, after):
        """A cancel that answers nothing is settled by reading the bot."""
        bot = await cancelled(Script.of(httpx.Response(204), answer(after)))

        assert (after["to_cancel"], after["executing"]) == (bot.to_cancel, bot.executing)

    @pytest.mark.parametrize("first", [httpx.Response(204), answer(BOT), answer(ENDING)])
    @pytest.mark.parametrize("kind", KINDS)
    @in_virtual_time
    async def test_a_bot_that_goes_on(self, kind, first):
        """A bot that is shown as going on after its cancel leaves the outcome unknown, whatever the cancel answered."""
        with pytest.raises(OutcomeUnknown) as caught:
            await cancelled(Script.of(first, answer(BOT)), kind)

        assert f"bitex.bots.cancel_{kind}_bot" == caught.value.intent.endpoint

    @in_virtual_time
    async def test_nothing_shows_that_it_stops(self):
        """Where the bot cannot be read, an answer that shows it as going on proves nothing."""
        with pytest.raises(OutcomeUnknown):
            await cancelled(Script.of(answer(BOT), answer({"error": "No permission"}, 403)))

    @in_virtual_time
    async def test_the_bot_cannot_be_read(self):
        """Where the bot cannot be read afterwards, an answer of the cancel that shows the bot as ending stands."""
        bot = await cancelled(Script.of(answer(ENDING), answer({"error": "No permission"}, 403)))

        assert bot.to_cancel

    @in_virtual_time
    async def test_in_a_view(self):
        """A view of the client cancels in the same way."""
        script = Script.of(answer(BOT), answer(ENDING))
        async with client(script) as bitex:
            bot = await bitex.with_options(timeout_seconds=5).bots.cancel_selling_bot(7)

        assert (True, 2) == (bot.to_cancel, len(script.came))


class TestGoingThrough:
    @pytest.mark.parametrize("kind", KINDS)
    @in_virtual_time
    async def test_all(self, kind):
        """Bots of the last 24 hours come first, then older ones, each once."""
        new, old = [{**BOT, "id": 3}, {**BOT, "id": 2}], [{**BOT, "id": 2}, {**BOT, "id": 1}]
        script = Script.of(answer(new), answer(old))
        async with client(script) as bitex:
            ids = [bot.id async for bot in getattr(bitex.bots, f"every_{kind}_bot")()]

        assert [3, 2, 1] == ids
        assert [b"api_key=k", b"api_key=k&full=true"] == [c.request.url.query for c in script.came]

    @in_virtual_time
    async def test_no_further_than_needed(self):
        """An iteration that stops within the last 24 hours sends one request."""
        script = Script.of(answer([BOT]))
        async with client(script) as bitex:
            async for _ in bitex.bots.every_buying_bot():
                break

        assert 1 == len(script.came)
