import asyncio
import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from attrs import evolve

from exchanges import Bitso, wire
from exchanges.bitso import Conversion, ConversionStatus, Direction, Quote, RateRefused
from exchanges.bitso.api import V3, V4
from exchanges.bitso.conversions import Conversions, _wait_final
from exchanges.errors import DecodeError, NotFound, NotSent, OutcomeUnknown, QuoteExpired, ReadFailed, UsageError
from tests.support import single_calls
from tests.support.scripted_transport import Script, answer
from tests.support.virtual_time import elapsed, run

CREATED_MS = 1678480752145
WIRE_QUOTE = {
    "id": "EOTMmUZG",
    "from_amount": "1866.09342781",
    "from_currency": "mxn",
    "to_amount": "100.00000000",
    "to_currency": "usd",
    "estimated_slippage": {"level": "normal", "message": "", "value": "0.00"},
    "created": CREATED_MS,
    "expires": CREATED_MS + 30_000,
    "rate": "18.66",
    "rate_currency": "mxn",
    "padding": "0.008",
    "direction": "buy",
    "book": "xrp_mxn",
    "status": "open",
    "oid": "EOTMmUZG",
    "next_recurrent_events": {"DAILY": 1678567152145},
}
QUOTE = wire.decode(wire.dumps(WIRE_QUOTE), Quote, strict=True)
WIRE_CONVERSION = {
    key: WIRE_QUOTE[key]
    for key in ("from_amount", "from_currency", "to_amount", "to_currency", "created", "expires", "rate", "book")
} | {"id": "7316", "status": "queued", "rate_currency": "mxn", "plain_rate": "18.51"}
QUEUED = wire.decode(wire.dumps(WIRE_CONVERSION), Conversion, strict=True)
COMPLETED = evolve(QUEUED, status=ConversionStatus.COMPLETED)


def wrapped(payload):
    """An answer in the envelope."""
    return answer({"success": True, "payload": payload})


def ask(call, script, *, now=CREATED_MS / 1000):
    """What one call comes to, *now* by the client's clock."""
    return single_calls.ask(Bitso, lambda client: call(client.conversions), script, clock=lambda: now + elapsed())


class TestQuote:
    def test_moments(self):
        """A quote says itself when it expires."""
        assert datetime(2023, 3, 10, 20, 39, 42, 145000, tzinfo=UTC) == QUOTE.expires_at

    def test_parts(self):
        """Fee, direction and what would follow are there."""
        assert (Decimal("0.008"), Direction.BUY, {"DAILY"}) == (
            QUOTE.padding,
            QUOTE.direction,
            QUOTE.next_recurrent_events.keys(),
        )

    def test_round_trip(self):
        """A quote travels as it came."""
        assert WIRE_QUOTE == wire.encode(QUOTE)

    @pytest.mark.parametrize("given", [{}, {"spend_amount": 1, "receive_amount": 1}])
    def test_exactly_one_amount(self, given):
        """A quote is for what is spent or for what is received."""
        script = Script.of()
        with pytest.raises(UsageError, match="exactly one of spend_amount and receive_amount"):
            ask(lambda c: c.create_quote(from_currency="mxn", to_currency="usd", **given), script)

        assert [] == script.came

    def test_request(self):
        """Only the amount that was given is sent, as text."""
        script = Script.of(wrapped(WIRE_QUOTE))
        quote = ask(lambda c: c.create_quote(from_currency="mxn", to_currency="usd", receive_amount=100), script)
        expected = {"from_currency": "mxn", "to_currency": "usd", "receive_amount": "100"}

        assert (QUOTE, expected) == (quote, json.loads(script.came[0].request.content))

    def test_where_it_goes(self):
        """Quotes go to v4, and the balance of the same client still to v3."""
        script = Script.of(wrapped(WIRE_QUOTE), wrapped({"balances": []}))

        async def both():
            async with Bitso(transport=script, limits=None, api_key="k", api_secret="s") as client:
                await client.conversions.create_quote(
                    from_currency="mxn", to_currency="usd", spend_amount=WIRE_QUOTE["from_amount"]
                )
                await client.account.balance()

        run(both())

        assert ["POST /api/v4/currency_conversions", "GET /api/v3/balance/"] == script.paths

    @pytest.mark.parametrize(
        "other", [{"from_currency": "btc"}, {"to_currency": "btc"}, {"from_amount": "1000000"}, {"from_amount": "0"}]
    )
    def test_a_quote_for_something_else(self, other):
        """A quote that does not repeat the request is no quote, and is not executed."""
        script = Script.of(wrapped({**WIRE_QUOTE, **other}))
        with pytest.raises(OutcomeUnknown, match="does not match the request"):
            ask(
                lambda c: c.create_quote(
                    from_currency="mxn", to_currency="usd", spend_amount=WIRE_QUOTE["from_amount"]
                ),
                script,
            )

    def test_apis(self):
        """Beside the address nothing tells v4 from v3."""
        assert (V3.name, V3.scheme, V3.private_limit) == (V4.name, V4.scheme, V4.private_limit)


class TestExecute:
    def test_request(self):
        """A quote is executed by its id, with an empty object as body."""
        script = Script.of(wrapped({"oid": "7316"}))
        conversion_id = ask(lambda c: c.execute(QUOTE), script)
        request = script.came[0].request

        assert ("7316", "PUT", "/api/v4/currency_conversions/EOTMmUZG", b"{}") == (
            conversion_id,
            request.method,
            request.url.path,
            request.content,
        )

    @pytest.mark.parametrize("payload", [{"oid": "7316"}, {"oid": 7316}, {**WIRE_QUOTE, "oid": "7316"}])
    def test_answers(self, payload):
        """The id of the conversion comes alone, or in the quote."""
        assert "7316" == ask(lambda c: c.execute("EOTMmUZG"), Script.of(wrapped(payload)))

    @pytest.mark.parametrize("payload", [{}, [], None, {"id": "x"}, True])
    def test_no_id(self, payload):
        """An answer without the id does not say what became of the money."""
        with pytest.raises(OutcomeUnknown):
            ask(lambda c: c.execute("EOTMmUZG"), Script.of(wrapped(payload)))

    @pytest.mark.parametrize("late_seconds", [0, 1, 3600])
    def test_expired(self, late_seconds):
        """A quote that has expired by the client's clock is refused, and nothing is sent."""
        script = Script.of()
        with pytest.raises(QuoteExpired, match="nothing was sent"):
            ask(lambda c: c.execute(QUOTE), script, now=CREATED_MS / 1000 + 30 + late_seconds)

        assert [] == script.came

    def test_in_time(self):
        """A moment before, a quote is good."""
        assert "1" == ask(lambda c: c.execute(QUOTE), Script.of(wrapped({"oid": "1"})), now=CREATED_MS / 1000 + 29.9)

    @pytest.mark.parametrize("code", ["0345", "0373"])
    def test_expired_there(self, code):
        """The exchange may say so too."""
        refusal = answer({"success": False, "error": {"code": code, "message": "expired"}}, 400)
        with pytest.raises(QuoteExpired):
            ask(lambda c: c.execute("EOTMmUZG"), Script.of(refusal))

    @pytest.mark.parametrize("quote", [None, 7, b"x", "", "..", "a\nb", "x" * 101])
    def test_no_quote(self, quote):
        """What is no quote, and cannot be the id of one, is refused."""
        with pytest.raises(UsageError):
            ask(lambda c: c.execute(quote), Script.of())


class TestStatus:
    @pytest.mark.parametrize("word", ["open", "queued", "completed", "failed"])
    def test_both_cases(self, word):
        """A state is read in capitals and in lower case."""
        assert ConversionStatus(word) is ConversionStatus(word.upper())

    def test_unknown(self):
        """A state that no document names is kept as it is, and is not final."""
        status = ConversionStatus("Paused")

        assert ("Paused", False, False) == (status.value, status.is_known, status.is_final)

    def test_final(self):
        """Two states are final."""
        assert {"completed", "failed"} == {status.value for status in ConversionStatus if status.is_final}


class Desk:
    """Conversions whose states are scripted; records each call with its moment."""

    def __init__(self, *states):
        self.states = list(states)
        self.done = []

    async def create_quote(self, **_):
        """Return the quote."""
        self.done.append(("quote", elapsed()))
        return QUOTE

    async def execute(self, quote_id):
        """Accept the quote."""
        self.done.append(("execute", elapsed()))
        return "7316"

    async def conversion(self, conversion_id):
        """Return or raise the next state; the last one stays."""
        self.done.append(("read", elapsed()))
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if isinstance(state, Exception):
            raise state
        return state


def converted(desk, *, max_rate="19", min_rate=None):
    """Convert at *desk*."""
    limits = {"max_rate": max_rate, "min_rate": min_rate}
    return run(Conversions.convert(desk, from_currency="mxn", to_currency="usd", timeout_seconds=30.0, **limits))


class TestConvert:
    def test_whole(self):
        """Quote, execute, and read until it is final, with pauses that grow."""
        desk = Desk(QUEUED, QUEUED, COMPLETED)

        assert COMPLETED == converted(desk)
        assert [("quote", 0), ("execute", 0), ("read", 0), ("read", 0.5), ("read", 1.25)] == desk.done

    @pytest.mark.parametrize(
        "limit", [{"max_rate": "18.66"}, {"max_rate": "18.6609342780"}, {"max_rate": None, "min_rate": "0.0536"}]
    )
    def test_beyond_the_limit(self, limit):
        """A quote beyond the limit is not executed; the amounts count, not the rounded rate."""
        desk = Desk(COMPLETED)
        with pytest.raises(RateRefused, match="nothing was executed") as caught:
            converted(desk, **limit)

        assert (QUOTE, [("quote", 0)], True, False) == (
            caught.value.quote,
            desk.done,
            isinstance(caught.value, NotSent),
            caught.value.may_have_executed,
        )

    @pytest.mark.parametrize(
        "limit",
        [{"max_rate": "18.6609342781"}, {"max_rate": None, "min_rate": "0.0535"}, {"max_rate": 20, "min_rate": "0.05"}],
    )
    def test_within_the_limit(self, limit):
        """A quote at the limit or better is executed."""
        assert COMPLETED == converted(Desk(COMPLETED), **limit)

    @pytest.mark.parametrize("limit", [None, 0, -1, 1.5, "x", Decimal("NaN")])
    def test_wrong_limits(self, limit):
        """Without a limit, or with one that is none, nothing is asked."""
        desk = Desk(COMPLETED)
        with pytest.raises(UsageError, match="nothing was sent"):
            converted(desk, max_rate=limit)

        assert [] == desk.done

    def test_failed(self):
        """A conversion that fails is a final state, not an error of ours."""
        failed = evolve(QUEUED, status=ConversionStatus.FAILED)

        assert failed == converted(Desk(QUEUED, failed))

    def test_time_is_up(self):
        """When the time is up the conversion is told as it was last read."""
        assert QUEUED == converted(Desk(QUEUED))

    def test_a_reading_fails(self):
        """A reading that fails is no reason to lose sight of the conversion."""
        assert COMPLETED == converted(Desk(NotFound("not yet"), ReadFailed("no"), COMPLETED))

    def test_no_reading_succeeds(self):
        """A conversion that cannot be read is under way all the same, and is named."""
        with pytest.raises(OutcomeUnknown, match="conversion 7316") as caught:
            converted(Desk(ReadFailed("no")))

        assert {"quote_id": "EOTMmUZG", "conversion_id": "7316"} == caught.value.intent.arguments

    def test_no_reading_ends(self):
        """A reading that takes longer than there is time is given up."""
        desk = Desk(QUEUED)
        desk.conversion = lambda conversion_id: asyncio.sleep(1000)
        with pytest.raises(OutcomeUnknown, match="in time"):
            converted(desk)

    def test_waiting_alone(self):
        """Waiting tells the last state and the last failure."""
        failure = ReadFailed("no")
        desk = Desk(QUEUED, failure)

        assert (QUEUED, failure) == run(_wait_final(desk, "7316", 3))

    def test_through_the_client(self):
        """The client's own method does all of it."""
        script = Script.of(
            wrapped(WIRE_QUOTE), wrapped({"oid": "7316"}), wrapped({**WIRE_CONVERSION, "status": "COMPLETED"})
        )
        conversion = ask(
            lambda c: c.convert(from_currency="mxn", to_currency="usd", receive_amount=100, max_rate=19), script
        )

        assert (COMPLETED, ["POST", "PUT", "GET"]) == (conversion, [p.partition(" ")[0] for p in script.paths])

    def test_a_quote_that_expires_on_the_way(self):
        """A quote that arrives too late is not executed."""
        script = Script.of(wrapped(WIRE_QUOTE), seconds=10)
        with pytest.raises(QuoteExpired):
            ask(
                lambda c: c.convert(from_currency="mxn", to_currency="usd", receive_amount=100, max_rate=19),
                script,
                now=CREATED_MS / 1000 + 25,
            )

        assert 1 == len(script.came)


def test_status_of_a_conversion_is_needed():
    """A conversion without a state is none."""
    value = {key: item for key, item in WIRE_CONVERSION.items() if key != "status"}
    with pytest.raises(DecodeError, match=r"Conversion\.status"):
        wire.decode(wire.dumps(value), Conversion)
