"""The journal that processes share, in a file and on a server."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from exchanges.errors import StateError
from tests.support.file_states import KEY, SERVER, entry

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(params=["file", "redis"])
def kind(request):
    """Return what keeps the state."""
    return request.param


@pytest.fixture
def journal(state):
    """Return the journal of a state."""
    return state.journal


@pytest.fixture
def other(journal, open_state):
    """Open it a second time, as another process does."""
    with open_state() as opened:
        yield opened.journal


async def test_calls_in_flight_are_listed(journal, other):
    """A call that a living process carries out is listed as such, here and elsewhere."""
    await journal.begin(entry())

    assert [True, True] == [e.is_under_way for j in (journal, other) for e in j.entries(SERVER, KEY)]


async def test_a_call_in_doubt(journal, other):
    """A call with an unknown outcome is listed as it was recorded, with the moment of its end, in all processes."""
    written = entry(at=NOON, amount="1.5")
    await journal.begin(written)
    await journal.doubt(written.intent.id, NOON + DAY)
    (found,) = other.entries(SERVER, KEY)

    assert (written.intent, written.nonce, written.digest, NOON + DAY) == (
        found.intent,
        found.nonce,
        found.digest,
        found.ended_at,
    )


async def test_a_process_that_is_gone(open_state, other):
    """A call of a process that died is listed, without an end."""
    with open_state() as state:
        await state.journal.begin(entry(at=NOON, amount="1"))
    (found,) = other.entries(SERVER, KEY)

    assert ({"amount": "1"}, NOON, None) == (found.intent.arguments, found.intent.at, found.ended_at)


async def test_the_oldest_first(open_state, other):
    """Calls are listed in the order in which they were begun."""
    with open_state() as state:
        for amount in "132":
            await state.journal.begin(entry(amount=amount))

    assert ["1", "3", "2"] == [found.intent.arguments["amount"] for found in other.entries(SERVER, KEY)]


@pytest.mark.parametrize(("server", "key"), [("elsewhere", KEY), (SERVER, "another")])
async def test_calls_of_others(server, key, journal):
    """The calls of one key at one server are not those of another."""
    written = entry()
    await journal.begin(written)
    await journal.doubt(written.intent.id, NOON)
    await journal.settle(written.intent.id, known="made")

    assert ((), frozenset(), None) == (
        journal.entries(server, key),
        journal.known(server, key, {"made"}, "none"),
        journal.since(server, key),
    )


async def test_a_call_that_is_settled(open_state, other):
    """A call whose outcome is known is deleted."""
    written = entry()
    with open_state() as state:
        await state.journal.begin(written)
        await state.journal.settle(written.intent.id, known=None)

    assert ((), frozenset()) == (other.entries(SERVER, KEY), other.known(SERVER, KEY, {"made"}, ""))


async def test_settled_elsewhere(open_state, other):
    """Any process can settle what another one left behind."""
    with open_state() as state:
        await state.journal.begin(entry())
    (found,) = other.entries(SERVER, KEY)
    await other.settle(found.intent.id, known=None)

    assert () == other.entries(SERVER, KEY)


async def test_settled_twice(journal):
    """Settling a call that is no longer pending does nothing, nor does recording its doubt."""
    written = entry(at=NOON)
    await journal.begin(written)
    await journal.settle(written.intent.id, known="one")
    await journal.settle(written.intent.id, known="two")
    await journal.doubt(written.intent.id, NOON)

    assert ((), {"one"}) == (journal.entries(SERVER, KEY), journal.known(SERVER, KEY, {"one", "two"}, "none"))


@pytest.mark.parametrize(
    ("names", "prefix", "known"),
    [
        ({"buy:1", "buy:3"}, "none", {"buy:1"}),
        ({"buy:1", "buy:2"}, "none", {"buy:1", "buy:2"}),
        (set(), "buy:~same:", {"buy:~same:7"}),
        ({"buy:2"}, "buy:~", {"buy:2", "buy:~same:7", "buy:~other:8"}),
        ({"buy", "buy:"}, "uy", set()),
    ],
)
async def test_what_was_made(names, prefix, known, journal, other):
    """What was created is found by its name, and by how its name begins."""
    for made in ("buy:1", "buy:2", "buy:~same:7", "buy:~other:8"):
        written = entry(at=NOON)
        await journal.begin(written)
        await journal.settle(written.intent.id, known=made)

    assert known == other.known(SERVER, KEY, names, prefix)


async def test_a_week(journal):
    """Ids are deleted after a week, and the record then starts later."""
    for day in range(10):
        written = entry(at=NOON + day * DAY)
        await journal.begin(written)
        await journal.settle(written.intent.id, known=str(day))

    assert (set("23456789"), NOON + 2 * DAY) == (
        journal.known(SERVER, KEY, set("0123456789"), "none"),
        journal.since(SERVER, KEY),
    )


async def test_since_when(journal, other):
    """The record of a key starts with its first call."""
    before = journal.since(SERVER, KEY)
    for day in range(2):
        await journal.begin(entry(at=NOON + day * DAY))

    assert (None, NOON) == (before, other.since(SERVER, KEY))


async def test_written_even_if_cancelled(journal, other):
    """A call is recorded even if the caller is cancelled meanwhile."""
    written = entry()
    await journal.begin(written)
    doubting = asyncio.ensure_future(journal.doubt(written.intent.id, NOON))
    await asyncio.sleep(0)
    doubting.cancel()
    await asyncio.wait([doubting])
    await journal.settle("any other", known=None)

    assert 1 == len(other.entries(SERVER, KEY))


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"digest": "one"}, "ac"),
        ({"named": "#id:7"}, "b"),
        ({"digest": "one", "named": "#id:7"}, "abc"),
        ({"digest": "two", "named": "#id:7"}, "b"),
        ({"digest": "#id:7", "named": "one"}, ""),
        ({"digest": "on"}, ""),
        ({"named": ""}, ""),
    ],
)
async def test_what_matches(asked, found, journal, other):
    """Open calls are found by what they do and by the client's id that they bear, in all processes."""
    calls = [
        entry(digest="one", which="a"),
        entry(digest="two", named="#id:7", which="b"),
        entry(digest="one", which="c"),
    ]
    done = entry(digest="one", named="#id:7", which="d")
    for written in (*calls, done):
        await journal.begin(written)
    await journal.settle(done.intent.id, known=None)
    await journal.doubt(calls[2].intent.id, NOON)
    matching = other.matching(SERVER, KEY, **asked)

    assert sorted(found) == sorted(e.intent.arguments["which"] for e in matching)
    assert {(e.intent, e.ended_at) for e in matching} == {
        (e.intent, e.ended_at) for e in other.entries(SERVER, KEY) if e.intent.arguments["which"] in found
    }
    assert () == other.matching("elsewhere", KEY, **asked) == other.matching(SERVER, "another", **asked)


async def test_what_matches_of_a_process_that_died(open_state, other):
    """A call of a process that died matches as one that nobody carries out."""
    with open_state() as state:
        await state.journal.begin(written := entry())
        during = [e.is_under_way for e in other.matching(SERVER, KEY, intent_id=written.intent.id)]
    (found,) = other.matching(SERVER, KEY, intent_id=written.intent.id)

    assert ([True], (written.intent, False)) == (during, (found.intent, found.is_under_way))


async def test_what_matches_is_settled_elsewhere(open_state, other):
    """A call that was found by its digest alone can be settled by whoever found it."""
    with open_state() as state:
        await state.journal.begin(entry())
    (found,) = other.matching(SERVER, KEY, digest="same")
    await other.settle(found.intent.id, known="made")

    assert ((), {"made"}) == (other.entries(SERVER, KEY), other.known(SERVER, KEY, {"made"}, "none"))


async def test_the_bound_of_open_calls(open_state, monkeypatch):
    """A key with too many open calls gets no more, and the error says what to do."""
    for module in ("file.journal", "redis.scripts", "entries"):
        monkeypatch.setattr(f"exchanges.state.{module}.MOST_OPEN", 3)
    with open_state() as state:
        journal, calls = state.journal, [entry() for _ in range(4)]
        for written in calls[:3]:
            await journal.begin(written)
        with pytest.raises(StateError, match=r"3 calls of this key .* client\.reconcile\(\) .*; nothing was sent"):
            await journal.begin(calls[3])
        await journal.begin(entry(key="another"))
        await journal.settle(calls[0].intent.id, known=None)
        await journal.begin(calls[3])

        assert [c.intent for c in calls[1:]] == [e.intent for e in journal.entries(SERVER, KEY)]


async def test_calls_that_come_and_go(journal, other, monkeypatch):
    """A list of many calls is read in parts, and only what has changed; it is that of whoever reads it anew."""
    monkeypatch.setattr("exchanges.state.redis.scripts.PAGE", 3)
    calls = [entry(which=str(n)) for n in range(8)]
    for number, written in enumerate(calls):
        await journal.begin(written)
        other.entries(SERVER, KEY)
        if number % 3 == 2:
            await journal.settle(calls[number - 1].intent.id, known=None)
    await journal.doubt(calls[3].intent.id, NOON)
    seen = other.entries(SERVER, KEY)

    assert ["0", "2", "3", "5", "6", "7"] == [e.intent.arguments["which"] for e in seen]
    assert [NOON] == [e.ended_at for e in seen if e.ended_at]
    assert list(seen) == list(journal.entries(SERVER, KEY))


def test_a_loop_that_is_gone(open_state):
    """A call whose loop was closed before it ended is unresolved: nothing will end it."""
    with open_state() as state:

        async def begin():
            await state.journal.begin(entry())
            return [found.is_under_way for found in state.journal.entries(SERVER, KEY)]

        during = asyncio.run(begin())

        assert ([True], [False]) == (during, [found.is_under_way for found in state.journal.entries(SERVER, KEY)])
