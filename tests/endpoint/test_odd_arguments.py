"""Arguments of odd types: every one is refused before anything is sent, or is sent as the value that it has."""

import asyncio
import inspect
import operator
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from urllib.parse import unquote_plus

import pytest
from attrs import evolve, frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exchanges import Bitso, Bitstamp
from exchanges.bitex import calculate, calculate_backwards
from exchanges.bitex.pos import PointOfSalePages
from exchanges.bitso import Quote
from exchanges.endpoint.call import prepare
from exchanges.errors import UsageError
from exchanges.wire import decode, dumps
from tests.support.odd_values import BROKEN, ODD, Crossed, OddDecimal, OddInt, Raising, Shouting, Wallet, itself
from tests.support.scripted_transport import Script
from tests.support.specimens import SPECIMENS

CASES = [(specimen, argument) for specimen in SPECIMENS for argument in specimen.endpoint.arguments]
# One argument of each type, in each place of a request that it has; `nox -s stress` has all of them.
FIRST = {(s.endpoint.body, a.in_path, a.required, a.type): (s, a.name) for s, a in reversed(CASES)}.values()


def is_right(specimen, arguments):
    """Whether *arguments* are refused by our own error, or rendered to a request without a line of its own."""
    endpoint = specimen.endpoint
    try:
        call = prepare(endpoint, arguments, endpoint.api.base_url)
    except UsageError as error:
        return str(error).endswith("; nothing was sent") and BROKEN not in str(error)
    lines = (call.path, *call.texts.values())
    return not any(c in text for text in lines for c in "\r\n\0") and all(type(text) is str for text in lines)


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("specimen", "name"),
    [
        pytest.param(s, a.name, id=f"{s.id}-{a.name}", marks=() if (s, a.name) in FIRST else pytest.mark.stress)
        for s, a in CASES
    ],
)
def test_each_argument(specimen, name):
    """No odd value of one argument raises a foreign exception, or gets a line break into a request."""
    wrong = [number for number, odd in enumerate(ODD) if not is_right(specimen, {**specimen.arguments, name: odd})]

    assert [] == wrong


@pytest.mark.parametrize("name", ["self", "no such", BROKEN, ""])
@pytest.mark.parametrize("specimen", SPECIMENS[::10], ids=lambda s: s.id)
def test_other_names(specimen, name):
    """A name that is no argument is refused, and quoted without its line breaks."""
    with pytest.raises(UsageError, match="no such argument") as caught:
        prepare(specimen.endpoint, {**specimen.arguments, name: 1}, specimen.endpoint.api.base_url)

    assert "\n" not in str(caught.value)


def body_of(specimen_id, **arguments):
    """Return the signed request body with some *arguments* of a specimen replaced."""
    specimen = next(s for s in SPECIMENS if s.id == specimen_id)
    call = prepare(specimen.endpoint, {**specimen.arguments, **arguments}, specimen.endpoint.api.base_url)
    return unquote_plus(call.render().body.decode())


@pytest.mark.parametrize("address", [Wallet.COLD, Shouting(Wallet.COLD.value)], ids=range(2))
def test_a_text_with_a_name(address):
    """A member of a ``str`` enum is sent as its value, and not as its name."""
    expected = body_of("bitstamp.v1.funding.bitcoin_withdrawal", address=Wallet.COLD.value)

    assert expected == body_of("bitstamp.v1.funding.bitcoin_withdrawal", address=address)
    assert Wallet.COLD.value in expected


@pytest.mark.parametrize("amount", [OddInt(7), OddDecimal(7), Shouting("7"), Decimal(7)], ids=range(4))
def test_numbers_of_subclasses(amount):
    """An amount of a subclass is sent as the number that it is."""
    assert "amount=7&" in body_of("bitstamp.v1.trading.buy", amount=amount) + "&"


def test_an_enum_that_contradicts_itself():
    """An enum whose text is not its value is refused: which of the two is meant?"""
    with pytest.raises(UsageError, match="address must not be an enum whose text"):
        body_of("bitstamp.v1.funding.bitcoin_withdrawal", address=Crossed.ONE)


@pytest.mark.parametrize("ids", [itself(list), [itself(list)], [Raising()], Raising()], ids=range(4))
async def test_nothing_is_sent(ids):
    """A list that contains itself, or what raises when it is looked at, is a `UsageError` of the call."""
    transport = Script.of()
    async with Bitso(transport=transport, api_key="k", api_secret="s", client_id="1") as client:
        with pytest.raises(UsageError, match="nothing was sent"):
            await client.v2.trading.lookup_order(ids)

    assert 0 == len(transport.came)


async def test_self_is_a_name_as_any_other():
    """An argument called self is refused like any other that does not exist."""
    async with Bitstamp(transport=Script.of()) as client:
        with pytest.raises(UsageError, match="no such argument: self"):
            await client.market.ticker("btcusd", self=1)


@frozen
class Odd:
    """The number of an odd value: Hypothesis prints what it has drawn, and some of them cannot be printed."""

    number: int

    @staticmethod
    def made(value):
        """Return *value* with the odd values in place of their numbers."""
        if isinstance(value, Odd):
            return ODD[value.number]
        if isinstance(value, list):
            return [Odd.made(item) for item in value]
        return {key: Odd.made(item) for key, item in value.items()} if isinstance(value, dict) else value


values = st.recursive(
    st.builds(Odd, st.integers(0, len(ODD) - 1))
    | st.one_of(st.text(max_size=5), st.integers(), st.decimals(), st.floats(), st.binary(max_size=3)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.stress
@settings(max_examples=2000, suppress_health_check=[HealthCheck.too_slow])  # how slow is the machine's affair
@given(st.data(), st.sampled_from(SPECIMENS))
def test_many_together(data, specimen):
    """The same with any number of arguments at once, nested as may be."""
    names = [argument.name for argument in specimen.endpoint.arguments]
    odd = data.draw(st.dictionaries(st.sampled_from(names), values)) if names else {}

    assert is_right(specimen, {**specimen.arguments, **Odd.made(odd)})


@pytest.mark.parametrize("endpoint", ["bitso.v2.trading.lookup_order", "bitstamp.market.ticker"])
async def test_frames_keep_their_parameters(endpoint):
    """A frame that waits has all its parameters, which reporters such as cgitb look up, and none of the arguments."""
    waiting = Script.of(open=asyncio.Event())
    client = {"bitso": Bitso, "bitstamp": Bitstamp}[endpoint.partition(".")[0]]
    async with client(transport=waiting, api_key="k", api_secret="s", client_id="1") as open_client:
        method = operator.attrgetter(endpoint.partition(".")[2])(open_client)
        task = asyncio.create_task(method("canary"))
        await asyncio.sleep(0)
        frames = task.get_stack()
        shown = [inspect.formatargvalues(*inspect.getargvalues(frame)) for frame in frames]
        task.cancel()

    assert frames
    assert not any("canary" in text for text in shown)


@pytest.mark.parametrize("seconds", ["60", None, float("nan"), float("inf"), -1, 10**400, 1j, Raising()], ids=range(8))
async def test_odd_times_to_wait(seconds):
    """A time to wait is checked before a conversion is executed, and not when it is time to wait for it."""
    transport = Script.of()
    async with Bitso(transport=transport, api_key="k", api_secret="s") as client:
        with pytest.raises(UsageError, match="timeout_seconds must be a number of seconds; nothing was sent"):
            await client.conversions.convert(
                from_currency="mxn", to_currency="btc", spend_amount=1, max_rate=1, timeout_seconds=seconds
            )

    assert [] == transport.came


POS = PointOfSalePages("https://bitex.la")
COMPUTED = {
    "payment_page": [lambda odd: POS.payment_page(odd, "1abc"), lambda odd: POS.payment_page("shop", odd)],
    "self_service_page": [
        POS.self_service_page,
        lambda odd: POS.self_service_page("shop", amount=odd),
        lambda odd: POS.self_service_page("shop", currency_id=odd),
        lambda odd: POS.self_service_page("shop", customer_reference=odd),
    ],
    "donation_page": [POS.donation_page],
    "calculate": [lambda odd: calculate(odd, []), lambda odd: calculate(1, odd)],
    "calculate_backwards": [lambda odd: calculate_backwards(odd, []), lambda odd: calculate_backwards(1, odd)],
}


@pytest.mark.parametrize("name", COMPUTED)
def test_what_is_computed(name):
    """What sends nothing refuses odd arguments as calls do: with a `UsageError`, and without a long computation."""
    for function in COMPUTED[name]:
        for odd in ODD:
            with suppress(UsageError):
                assert BROKEN not in str(function(odd))


@pytest.mark.parametrize("number", [1.5, "3", Decimal("1e999999999"), float("nan")])
def test_a_currency_is_a_whole_number(number):
    """A currency that is no whole number is refused: its fraction is not cut off."""
    with pytest.raises(UsageError, match="currency_id must be an int"):
        POS.self_service_page("shop", currency_id=number)


@pytest.mark.parametrize("moment", [None, "soon", 5, datetime(2026, 1, 1), Raising()], ids=range(5))  # noqa: DTZ001
async def test_a_quote_with_an_odd_moment(moment):
    """A quote that a program has built or restored, with no moment for its end, is refused before it is executed."""
    payload = next(s.payload for s in SPECIMENS if s.id == "bitso.conversions.create_quote")
    quote = evolve(decode(dumps(payload), Quote), expires_at=moment)
    transport = Script.of()
    async with Bitso(transport=transport, api_key="k", api_secret="s") as client:
        with pytest.raises(UsageError, match="an argument cannot be read"):
            await client.conversions.execute(quote)

    assert [] == transport.came
