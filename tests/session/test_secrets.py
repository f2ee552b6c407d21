import copy
import logging
import pickle
import traceback
from datetime import UTC, datetime

import httpx
import pytest

from exchanges.bitex import Bitex
from exchanges.bitso import Bitso
from exchanges.bitstamp import Bitstamp
from exchanges.errors import ExchangeError, NotSent, UsageError
from exchanges.state import MemoryState
from tests.support.fourth import Fourth
from tests.support.fourth_calls import CALLS
from tests.support.leak_scenarios import credentials_of
from tests.support.scripted_transport import Script, answer
from tests.support.secrets import API_KEY, API_SECRET, PASSWORD, Detector
from tests.support.virtual_time import in_virtual_time

CLIENTS = [Bitex, Bitso, Bitstamp]
KEYS = {"api_key": API_KEY, "api_secret": API_SECRET}
find = Detector().find


def made(client, **options):
    """Create a client with canaries as credentials."""
    return client(**(KEYS if client is Fourth else credentials_of(client)), **options)


async def failure_of(kind, *steps, **options):
    """Send a call that fails; return the error."""
    async with made(Fourth, transport=Script.of(*steps), timeout_seconds=5, **options) as opened:
        with pytest.raises(ExchangeError) as caught:
            await CALLS[kind](opened)
    return caught.value


def locals_of(error):
    """Return a traceback with the locals of the library's frames."""
    lines = traceback.TracebackException.from_exception(error, capture_locals=True).format()
    return " ".join(text for text in lines if "/exchanges/" in text)


@in_virtual_time
async def test_the_frames_of_a_call():
    """An error holds no frame of the library: each of them may have arguments or the answer."""
    error = await failure_of("money", answer({"error": API_KEY, "code": "funds"}, 400))
    frames = [frame.name for frame in traceback.extract_tb(error.__traceback__) if "/exchanges/" in frame.filename]

    assert [] == frames
    assert [] == find(locals_of(error))


@in_virtual_time
async def test_an_intent():
    """An intent has the arguments and no credentials."""
    error = await failure_of("money", httpx.ReadError(API_KEY))

    assert {"amount": "3"} == error.intent.arguments
    assert error.intent.at <= datetime.now(UTC)


@in_virtual_time
async def test_a_secret_argument_of_an_intent():
    """A secret argument is listed in an intent without its value."""
    async with made(Bitex, transport=Script.of(httpx.ReadError("gone"))) as bitex:
        with pytest.raises(ExchangeError) as caught:
            await bitex.resellers.create_user(email="a@b.example", password=PASSWORD)

    assert {"email": "a@b.example", "password": "[redacted]"} == caught.value.intent.arguments


@in_virtual_time
@pytest.mark.parametrize("kind", CALLS)
async def test_one_line_in_the_log(kind, caplog):
    """A call writes one log line at INFO, and none above."""
    caplog.set_level(1)
    await failure_of(kind, answer({"error": API_KEY, "code": "funds"}, 400))

    assert [logging.INFO] == [record.levelno for record in caplog.records if record.levelno >= logging.INFO]
    assert [] == find(caplog.text)


@in_virtual_time
async def test_an_answer_to_a_public_call():
    """The key is redacted in an answer to a public call too: it may belong to another call."""
    async with made(Fourth, transport=Script.of(answer({"error": API_KEY, "code": "funds"}, 400))) as opened:
        with pytest.raises(ExchangeError, match=r"\[redacted\]"):
            await opened.market.thing()


@in_virtual_time
async def test_a_state_knows_fingerprints_only():
    """A state holds the fingerprint of a key, not the key."""
    state = MemoryState()
    async with made(Fourth, transport=Script.of(), state=state) as client:
        await client.trading.order()

    assert [] == find(repr((state, vars(state))))


# Clients


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_client_is_not_pickled(client, protocol):
    """A client cannot be pickled, with or without credentials."""
    for held in (made(client), client(proxy="http://user:word@a.example")):
        with pytest.raises(TypeError, match="a client is not pickled"):
            pickle.dumps(held, protocol)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_of_a_client(client, copied):
    """A copy of a client is a view of the same session, with its deadline."""
    original = made(client).with_options(timeout_seconds=7)
    view = copied(original)

    assert (client, True, 7.0) == (type(view), view._session is original._session, view._options.timeout_seconds)
    assert view.market is not original.market


@pytest.mark.parametrize("client", [*CLIENTS, Fourth])
@pytest.mark.parametrize("wrong", [{"timeout_seconds": -1}, {"clocks": 5}, {"api_key": f"{API_KEY} "}])
def test_the_frames_of_a_constructor(client, wrong):
    """The error of a constructor has no frame with its arguments, and no other error behind it."""
    options = {**(KEYS if client is Fourth else credentials_of(client)), **wrong}
    with pytest.raises(UsageError) as caught:
        client(**options)

    assert [] == find(locals_of(caught.value))
    assert (None, None) == (caught.value.__cause__, caught.value.__context__)


def test_the_frames_of_a_subclass():
    """The error has no frame of a subclass's constructor either."""

    class Mine(Bitex):
        def __init__(self, key):
            super().__init__(api_key=key, timeout_seconds=-1)

    with pytest.raises(UsageError) as caught:
        Mine(API_KEY)

    assert ["test_the_frames_of_a_subclass"] == [
        frame.name for frame in traceback.extract_tb(caught.value.__traceback__)
    ]


def test_an_uninitialized_client():
    """A client whose constructor failed has a repr: a traceback may print it."""
    assert "Bitex('')" == repr(object.__new__(Bitex))


class _FailingState(MemoryState):
    """A state whose disk fails."""

    def limiter(self, *_):
        raise OSError("the disk is full")


async def test_a_state_that_fails():
    """An exception of the state is the cause of one of ours, and passes through no frame that holds an argument."""
    password = PASSWORD
    async with Bitex(api_key="k", state=_FailingState()) as client:
        with pytest.raises(NotSent, match="the disk is full") as caught:
            await client.resellers.create_user(email="a@example.com", password=password)
    frames = traceback.StackSummary.extract(traceback.walk_tb(caught.tb), capture_locals=True)

    assert [] == [f.name for f in frames if "/exchanges/" in f.filename and password in str(f.locals)]
