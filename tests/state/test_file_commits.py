"""What fails after a transaction is committed is given back, and what was rolled back is left alone."""

import errno

import pytest

from exchanges.errors import StateError
from exchanges.limits.limit import Window
from exchanges.limits.waits import Wait
from exchanges.state import FileState
from exchanges.state.file.database import Database
from exchanges.state.file.journal import FileJournal
from exchanges.state.file.locks import Locks, ProcessMarker
from exchanges.state.file.seals import Generations
from exchanges.state.file.slots import SlotTable
from exchanges.state.leases import LeaseRecord, LeaseRequest
from tests.support.file_states import KEY, SERVER, call, enter, entry, settled, shared_limiter_of


def full(*_, **__):
    """Raise as a disk does that is full."""
    raise OSError(errno.ENOSPC, "No space left on device")


async def granted(limiter, **options):
    """Wait until a lease is granted and what it records is safe."""
    await (await enter(limiter, in_order=True, **options)).recorded()


@pytest.mark.parametrize("options", [{"draft": lambda _: entry()}, {}])
async def test_a_lease_that_was_committed_but_not_granted(path, clock, monkeypatch, options):
    """Slot and entry of a call that heard of a failure are given back: nothing of it was sent."""
    with FileState(path, clock=clock) as state:
        limiter = shared_limiter_of(state, (1, 10.0))
        await settled(limiter)
        with monkeypatch.context() as patch:
            patch.setattr(Generations, "add", full)
            with pytest.raises(StateError, match=r"No space left on device.*nothing was sent"):
                await granted(limiter, **options)
        await settled(limiter)

        assert [] == list(state.journal.entries(SERVER, KEY))
        assert 7 == await call(limiter, in_order=True, now_ms=7)


def test_a_lease_that_was_rolled_back(path):
    """A call whose lease was not committed ends nothing: its rows are those of the next call by then."""
    locks = Locks(path.with_name("state.locks"))
    marker, database = ProcessMarker(locks), Database(path, locks)
    slots = SlotTable(database, marker, FileJournal(None, database, marker), lambda: 5.0)
    request = LeaseRequest(((1, (Window(1, 10.0),)),), ("server", "key"))
    with pytest.raises(StateError, match="No space left on device"):
        slots.acquire(request, lambda _: entry(), full)
    owes = slots.owes
    answers = [slots.acquire(request) for _ in range(3)]
    marker.remove()
    database.close()

    assert ([LeaseRecord, Wait, Wait], False) == ([type(answer) for answer in answers], owes)
