"""Options of odd types, clocks that fail, and contexts that give keys away: refused before anything is sent."""

import ssl
from decimal import Decimal

import pytest

from exchanges import Bitso, Bitstamp
from exchanges.client import ClientOptions
from exchanges.errors import ExchangeError, OutcomeUnknown, UsageError
from exchanges.limits.limit import Limit, Scope, Window
from exchanges.session.clocks import WallClock
from tests.support.odd_values import ODD, Raising, Shouting
from tests.support.scripted_transport import Script

KEYS = {"api_key": "k", "api_secret": "s", "client_id": "1"}
OPTIONS = sorted((*ClientOptions.__annotations__, *KEYS))
LIMIT = Limit("bitso public", windows=(Window(5, per_seconds=1.0),), scope=Scope.ADDRESS)


def refusal(name, odd):
    """Return the error of a client with an odd option; None if there is none."""
    try:
        Bitso(**{**KEYS, name: odd})
    except UsageError as error:
        return error
    return None


@pytest.mark.parametrize("name", OPTIONS)
def test_each_option(name):
    """No odd value of an option raises a foreign exception where a client is created."""
    said = [str(error) for odd in ODD if (error := refusal(name, odd))]

    assert said
    assert not [text for text in said if "X-Injected" in text]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"state": "x.db"}, "state must be a MemoryState, a FileState"),
        ({"state": dict}, "state must be a MemoryState, a FileState"),
        ({"state": Raising()}, "state must be a MemoryState, a FileState"),
        ({"transport": Raising()}, "transport must be an"),
        ({"limits": "x"}, "limits must be a list of Limit"),
        ({"limits": ""}, "limits must be a list of Limit"),
        ({"limits": [LIMIT, LIMIT]}, "limits holds two of the same name"),
        ({"clock": 5}, "clock must be a function"),
        ({"sandbox": "no"}, "sandbox must be True or False"),
        ({"strict": 1}, "strict must be True or False"),
        ({"timeout_seconds": 10**400}, "timeout_seconds must be a positive number"),
        ({"timeout": 5}, r"no such option: timeout; did you mean timeout_seconds\?"),
        ({"zzz": 5}, "no such option: zzz; there are base_url, "),
    ],
    ids=range(13),
)
def test_messages(options, message):
    """What is wrong with an option is said in its own words."""
    with pytest.raises(UsageError, match=f"(?:Bitso: )?{message}"):
        Bitso(**options)


def test_a_key_of_a_subclass():
    """What is signed with is the text that was checked, whatever its class says that it is."""
    client = Bitso(api_key=Shouting("k"), api_secret=Shouting("s"), client_id="1")

    key = client._session._config.credentials.api_key

    assert (str, "k") == (type(key), key)


def test_a_context_that_logs_its_keys(tmp_path):
    """A context that writes the keys of its sessions to a file is refused, at once and before each request."""
    context = ssl.create_default_context()
    context.keylog_filename = str(tmp_path / "keys")
    with pytest.raises(UsageError, match="Bitso: ssl_context must not write the keys of its sessions to a file"):
        Bitso(ssl_context=context)
    context.keylog_filename = None

    assert Bitso(ssl_context=context)


async def test_a_context_that_logs_later(tmp_path):
    """A context that is told to log after it was checked is refused before the next request."""
    context = ssl.create_default_context()
    context.keylog_filename = None
    async with Bitso(ssl_context=context, base_url="https://127.0.0.1:1") as client:
        context.keylog_filename = str(tmp_path / "keys")
        with pytest.raises(UsageError, match=r"must not write the keys .* nothing was sent"):
            await client.market.available_books()


def _raise():
    raise ZeroDivisionError


@pytest.mark.parametrize(
    "clock",
    [_raise, *(lambda odd=odd: odd for odd in (None, "1", True, float("nan"), -1, 1e300, Decimal(1)))],
    ids=range(8),
)
async def test_odd_clocks(clock):
    """A clock that raises, or returns no moment, is our error, and nothing is sent."""
    transport = Script.of()
    async with Bitstamp(transport=transport, clock=clock, **KEYS) as client:
        with pytest.raises(UsageError, match=r"clock .*; nothing was sent"):
            await client.v1.trading.buy(amount=1, price=10)

    assert [] == transport.came
    assert 0 == len(client.unresolved)


class Failing:
    """A clock that returns good moments first, and then the odd one."""

    def __init__(self, good, odd):
        self.left = good
        self.odd = odd

    def __call__(self):
        self.left -= 1
        return 1_700_000_000.0 if self.left >= 0 else self.odd()


@pytest.mark.parametrize("good", range(1, 8))
@pytest.mark.parametrize("odd", [_raise, lambda: float("nan"), lambda: 5.0], ids=["raises", "nan", "goes back"])
async def test_a_clock_that_fails_under_way(good, odd):
    """An order that was sent is recorded, and its outcome is told, although the clock fails at any later reading."""
    transport = Script.of(lambda _: ConnectionResetError("gone"))
    async with Bitstamp(transport=transport, clock=Failing(good, odd), **KEYS) as client:
        with pytest.raises(ExchangeError) as caught:
            await client.v1.trading.buy(amount=1, price=10)

        assert (OutcomeUnknown, 1, 1) == (type(caught.value), len(transport.came), len(client.unresolved))


def test_the_time_goes_on():
    """While a clock fails, the time since its last good reading is added to that."""
    clock = WallClock(Failing(1, _raise))
    clock.check()

    assert 1_700_000_000.0 <= clock() <= clock()
