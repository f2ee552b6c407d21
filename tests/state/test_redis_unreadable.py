"""Keys that another program or version has written: nothing is sent, and the error names the key and what to do."""

import asyncio
import json

import pytest

from exchanges.errors import StateError
from exchanges.limits.lockouts import Refusal
from tests.support.file_states import KEY, SERVER, call, enter, entry, settled, shared_limiter_of
from tests.support.redis_states import beat

KIND = "redis"
WINDOW = (3, 20.0)
KEYS = (
    *("meta", "alive", "held", "longest", "nonces", "since", "removed", "closed:{place}", "slots:{place}"),
    *("signers:{place}", "lock:{key}", "line:{key}", "waits:{place}"),
    *("calls:{key}", "order:{key}", "marks:{key}", "marked:{key}", "ended:{key}", "made:{key}", "names:{key}"),
)
"""All keys of a server of an exchange."""


async def used(state, shelf):
    """Use everything once, so that all keys are there; return their names and the id of an open call."""
    limiter = shared_limiter_of(state, WINDOW)
    limiter.join(signs=True)
    await call(limiter, in_order=True, refusal=Refusal(0.0))
    limiter.reopen()
    await settled(limiter)
    held = await enter(limiter)
    done, doubted, under_way = entry(), entry(digest="other"), entry(named="#id:a")
    for written in (done, doubted, under_way):
        await state.journal.begin(written)
    await state.journal.settle(done.intent.id, known="made:1")
    await state.journal.doubt(doubted.intent.id, doubted.intent.at)
    (place,) = {key.rpartition(":")[2] for key in shelf.server.ask("KEYS", shelf.key("slots:*"))}
    return held, place, under_way.intent.id


def uses(state, held, intent_id):
    """Return the ways to use the state, each of which reads or writes."""
    limiter, journal = shared_limiter_of(state, WINDOW), state.journal

    def later(work, *parts, **options):
        return lambda: asyncio.to_thread(work, *parts, **options)

    return {
        "matching": later(journal.matching, SERVER, KEY, digest="same", named="#id:a"),
        "entries": later(journal.entries, SERVER, KEY),
        "known": later(journal.known, SERVER, KEY, {"made:1"}, "none"),
        "since": later(journal.since, SERVER, KEY),
        "headroom": later(limiter.headroom),
        "begin": lambda: journal.begin(entry()),
        "settle": lambda: journal.settle(intent_id, known="made:2"),
        "acquire": lambda: enter(limiter, in_order=True),
        "release": lambda: held.release(complete=True),
    }


async def problems(state, held, intent_id):
    """Use the state in every way; return the errors, of which each is ours."""
    found = {}
    for name, use in uses(state, held, intent_id).items():
        try:
            await use()
        except StateError as error:
            found[name] = str(error)
    await settled(held)
    return found


@pytest.mark.parametrize("name", KEYS)
async def test_a_key_of_another_type(name, shelf, state):
    """A key of another type is named, with what to do, wherever it is used."""
    held, place, intent_id = await used(state, shelf)
    key = shelf.key(name.format(place=place, key=KEY))
    shelf.server.ask("DEL", key)
    shelf.server.ask("SET", key, "x")
    found = await problems(state, held, intent_id)

    assert [True] * len(found) == [_is_told(key, "WRONGTYPE", words) for words in found.values()]
    assert found or name == "signers:{place}"  # which only calls that leave the reserve read


def _is_told(key, why, words):
    root = key[: key.index("}:") + 2]
    return all(
        part in words for part in (repr(key), why, "check at the exchange", f"delete all keys that begin with {root!r}")
    )


BODY = {
    "endpoint": "a",
    "arguments": {},
    "at": "2026-01-01T00:00:00+00:00",
    "tag": None,
    "acting": {},
    "clock": None,
    "nonce": None,
    "digest": "same",
}
ODD_BODIES = [
    *("", "null", "[]", "{}", '"x"', "gar bage", "\udcff", json.dumps(BODY)[:-1]),
    *(json.dumps({k: v for k, v in BODY.items() if k != name}) for name in BODY),
    *(json.dumps(BODY | {name: 7}) for name in BODY),
    *(json.dumps(BODY | part) for part in ({"at": "2026-01-01T00:00:00"}, {"clock": [1e300, 1]}, {"clock": [1]})),
    json.dumps(BODY | {"arguments": {"a": 1}}),
]


async def test_an_entry_that_is_none(shelf, state):
    """An entry of the journal that this version does not write is named by key and field, wherever it is read."""
    _, _, intent_id = await used(state, shelf)
    key, found = shelf.key(f"calls:{KEY}"), []
    ways = [way for name, way in uses(state, None, intent_id).items() if name in ("matching", "entries")]
    values = [f"5 1 abc {body}".encode(errors="surrogateescape") for body in ODD_BODIES]
    for value in [*values, b"", b"x", b"5 1 abc", b"x 1 abc " + json.dumps(BODY).encode()]:
        shelf.server.ask("HSET", key, intent_id, value)
        state.journal._listed.clear()
        for way in ways:
            with pytest.raises(StateError) as caught:
                await way()
            found.append(_is_told(key, f"field {intent_id}", str(caught.value)))

    assert [True] * len(found) == found


ODD_FIELDS = {
    "meta": ("writes", "high", "offset", "began", "format", "checked"),
    "nonces": (KEY,),
    "longest": ("{place}",),
    "since": (KEY,),
    "lock:{key}": ("until",),
    "ended:{key}": ("{intent}",),
    "closed:{place}": ("body",),
}


@pytest.mark.parametrize(("name", "field"), [(name, field) for name, fields in ODD_FIELDS.items() for field in fields])
async def test_a_value_that_is_none(name, field, shelf, state):
    """A value that is no number, moment or lockout is an error that names its key."""
    held, place, intent_id = await used(state, shelf)
    key = shelf.key(name.format(place=place, key=KEY))
    shelf.server.ask("HSET", key, field.format(place=place, intent=intent_id), "gar bage", "version", "1", "lease", "1")
    found = await problems(state, held, intent_id)

    assert found
    assert [True] * len(found) == [
        _is_told(key, "", words.replace(f", field {intent_id}", "")) for words in found.values()
    ]


@pytest.mark.parametrize("body", ["null", "7", "[7]", "[[[], 7]]", '[[["", "", 1, 1, "x", 1, 1], ""]]'])
async def test_lockouts_that_are_none(body, shelf, state):
    """Lockouts that another version has written are an error, for a call as for who asks what is left."""
    held, place, intent_id = await used(state, shelf)
    key = shelf.key(f"closed:{place}")
    shelf.server.ask("HSET", key, "version", "1", "body", body)
    found = await problems(state, held, intent_id)

    assert {"headroom": True, "acquire": True} == {name: _is_told(key, "", words) for name, words in found.items()}


@pytest.mark.parametrize("name", ["calls", "order", "marks"])
async def test_a_part_of_the_journal_that_is_gone(name, shelf, state):
    """A journal that was deleted in part is not read as one with fewer calls."""
    _, _, intent_id = await used(state, shelf)
    shelf.server.ask("DEL", shelf.key(f"{name}:{KEY}"))
    for way in ("matching", "entries"):
        with pytest.raises(StateError, match="holds what cannot be read"):
            await uses(state, None, intent_id)[way]()


async def test_a_format_of_another_version(shelf, state):
    """What another version has written is not touched: the error names both formats."""
    held, _, intent_id = await used(state, shelf)
    shelf.server.ask("HSET", shelf.key("meta"), "format", "2")
    found = await problems(state, held, intent_id)

    assert {"format 2, not 1" in words for words in found.values()} == {True}


async def test_a_script_that_failed_in_the_middle(shelf, state):
    """A call whose record failed half-way is not sent, and leaves nothing open once the key is repaired."""
    await used(state, shelf)
    key, before = shelf.key("since"), len(state.journal.entries(SERVER, KEY))
    shelf.server.ask("RENAME", key, f"{shelf.prefix}:aside")
    shelf.server.ask("SET", key, "x")
    with pytest.raises(StateError, match="nothing was sent"):
        await state.journal.begin(entry())
    shelf.server.ask("RENAME", f"{shelf.prefix}:aside", key)
    await beat(state)

    assert before == len(state.journal.entries(SERVER, KEY))
