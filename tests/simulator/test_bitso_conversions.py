from datetime import timedelta
from decimal import Decimal

import pytest

from exchanges.bitso import Bitso, ConversionStatus
from exchanges.errors import InsufficientFunds, NotFound, QuoteExpired
from tests.support.simulator_calls import ask_signed
from tests.support.simulator_days import NOTHING, playing_bitso


async def mxn(bitso: Bitso) -> tuple[Decimal, Decimal, Decimal]:
    """Balance, reserved and available."""
    held = (await bitso.v2.account.balance()).currencies["mxn"]
    return held.balance, held.reserved, held.available


@pytest.mark.parametrize(
    ("given", "taken", "amounts"),
    [
        ("mxn", "btc", {"spend_amount": 1000}),
        ("mxn", "btc", {"receive_amount": "0.001"}),
        ("btc", "mxn", {"spend_amount": "0.001"}),
        ("btc", "mxn", {"receive_amount": 1000}),
    ],
)
async def test_a_conversion_goes_through_its_states(given, taken, amounts):
    """A conversion is open, then queued while its funds are reserved, then completed as quoted."""
    async with playing_bitso() as (sim, bitso, _):
        before = {b.currency: b.total for b in await bitso.account.balance()}
        quote = await bitso.conversions.create_quote(from_currency=given, to_currency=taken, **amounts)
        number = await bitso.conversions.execute(quote)
        states = []
        for seconds in (0, 2, 5):
            sim.advance(seconds)
            states.append((await bitso.conversions.conversion(number)).status)
        after = {b.currency: b.total for b in await bitso.account.balance()}

        assert [ConversionStatus.OPEN, ConversionStatus.QUEUED, ConversionStatus.COMPLETED] == states
        assert (quote.from_amount, quote.to_amount) == (before[given] - after[given], after[taken] - before[taken])
        assert (timedelta(seconds=30), True) == (quote.expires_at - quote.created_at, number != quote.id)
        assert {NOTHING} == {sum(sim.bitso.holdings(c).values(), NOTHING) for c in ("btc", "mxn")}


async def test_what_was_converted_is_held_meanwhile():
    """Between acceptance and end the funds are reserved; if the conversion fails they are released."""
    async with playing_bitso() as (sim, bitso, _):
        quote = await bitso.conversions.create_quote(from_currency="mxn", to_currency="btc", spend_amount=1000)
        number = await bitso.conversions.execute(quote)
        during = await mxn(bitso)
        sim.bitso.fail_conversion(number)
        sim.advance(10)

        assert (Decimal(750_000), Decimal(1000), Decimal(749_000)) == during
        assert ConversionStatus.FAILED == (await bitso.conversions.conversion(number)).status
        assert (Decimal(750_000), NOTHING, Decimal(750_000)) == await mxn(bitso)
        with pytest.raises(KeyError):
            sim.bitso.fail_conversion(number)


async def test_a_quote_expires_by_the_simulated_clock():
    """After thirty seconds a quote is rejected with its own code, and so is one that was executed before."""
    async with playing_bitso() as (sim, bitso, _):
        first = await bitso.conversions.create_quote(from_currency="mxn", to_currency="btc", spend_amount=1000)
        second = await bitso.conversions.create_quote(from_currency="mxn", to_currency="btc", spend_amount=1000)
        sim.advance(29)
        await bitso.conversions.execute(first.id)
        sim.advance(1)
        for quote in (first, second):
            with pytest.raises(QuoteExpired) as caught:
                await bitso.conversions.execute(quote.id)

            assert "0345" == caught.value.code


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"spend_amount": "1", "receive_amount": "1"}, 400, "0304"),
        ({}, 400, "0304"),
        ({"spend_amount": "1", "to_currency": "eur"}, 400, "0304"),
        ({"spend_amount": "0.00000001"}, 400, "0304"),
    ],
)
async def test_quotes_are_refused_in_the_envelope(http, fields, status, code):
    """What cannot be quoted is rejected with a code of four characters."""
    response = await ask_signed(http, "bitso.conversions.create_quote", **fields)
    told = response.json()

    assert (status, False, code) == (response.status_code, told["success"], told["error"]["code"])


async def test_a_quote_beyond_the_balance_is_refused_when_it_is_executed():
    """Funds are checked on acceptance; unknown quotes and conversions are not found."""
    async with playing_bitso() as (_, bitso, _):
        quote = await bitso.conversions.create_quote(from_currency="mxn", to_currency="btc", spend_amount=750_001)
        with pytest.raises(InsufficientFunds) as caught:
            await bitso.conversions.execute(quote)

        assert "0602" == caught.value.code
        with pytest.raises(NotFound):
            await bitso.conversions.execute("nothing")
        with pytest.raises(NotFound):
            await bitso.conversions.conversion(quote.id)
