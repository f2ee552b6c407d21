"""The journal in a file; see `test_shared_journal.py` for what it does."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest

from exchanges.errors import StateError
from exchanges.state import FileState
from exchanges.state.entries import entry_of
from exchanges.state.file import journal as journal_module
from tests.support.file_states import KEY, SERVER, entry

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def journal(state):
    """Return the journal of a state."""
    return state.journal


async def test_the_same_call_twice(journal):
    """An intent is recorded once."""
    written = entry()
    await journal.begin(written)
    with pytest.raises(StateError, match="cannot be read or written"):
        await journal.begin(written)


async def test_safe_on_the_disk(path, journal):
    """A call is on the disk before anything is sent; other writes need not wait for the disk."""
    statements, data = [], journal._database._writer
    data.set_trace_callback(statements.append)
    written = entry()
    await journal.begin(written)
    begun = list(statements)
    await journal.settle(written.intent.id, known=None)
    (now,) = data.execute("PRAGMA synchronous").fetchone()

    assert (("PRAGMA synchronous = FULL", "PRAGMA synchronous = NORMAL"), 1) == ((begun[0], begun[-1]), now)
    assert "PRAGMA synchronous = FULL" not in statements[len(begun) :]


async def test_reading_waits_for_nobody(path, journal):
    """The journal can be read while another process writes."""
    with closing(sqlite3.connect(path, isolation_level=None)) as data:
        data.execute("BEGIN IMMEDIATE")
        found = journal.entries(SERVER, KEY), journal.since(SERVER, KEY), journal.known(SERVER, KEY, {"one"}, "")

    assert ((), None, frozenset()) == found


async def test_nothing_but_fingerprints(path, journal):
    """The file contains what the call was to do, and the fingerprint of the key."""
    await journal.begin(entry(amount="1"))
    everything = b"".join(file.read_bytes() for file in path.parent.iterdir() if file.is_file())

    assert (True, True) == (KEY.encode() in everything, b'"amount": "1"' in everything)


async def test_calls_that_did_not_change(path, journal, monkeypatch):
    """Only what changed is parsed again, however many calls are listed."""
    parsed = []
    monkeypatch.setattr(
        journal_module, "entry_of", lambda *parts, **how: parsed.append(parts) or entry_of(*parts, **how)
    )
    calls = [entry(at=NOON, amount=f"{number}") for number in range(5)]
    for call in calls:
        await journal.begin(call)
    with FileState(path) as state:
        other = state.journal
        first = other.entries(SERVER, KEY)
        again, parsed_first = other.entries(SERVER, KEY), len(parsed)
        await journal.doubt(calls[2].intent.id, NOON)
        changed = other.entries(SERVER, KEY)

    assert (5, True) == (parsed_first, again is first)
    assert (6, [c.intent for c in calls], [None, None, NOON, None, None]) == (
        len(parsed),
        [e.intent for e in changed],
        [e.ended_at for e in changed],
    )
