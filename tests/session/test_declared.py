"""Facts of a declaration that the session or the area carries out."""

from datetime import UTC, datetime

import pytest

from exchanges.endpoint import MONEY, Area, private, public
from exchanges.errors import Rejected, UsageError
from tests.support.fourth import API, CREDENTIALS, Fourth, Thing
from tests.support.scripted_transport import Script, refusal
from tests.support.virtual_time import in_virtual_time

WALL = 1_700_000_000.0


def refuse_late(endpoint, arguments, now):
    """Raise from the moment *until* on."""
    if now >= datetime.fromtimestamp(arguments["until"], UTC):
        raise UsageError(f"{endpoint.id}: too late", endpoint=endpoint.id)


async def make_twice(area, endpoint, arguments):
    """Send the call two times."""
    return [await area.caller(endpoint, arguments) for _ in range(2)]


class Facts(Area, api=API):
    @private("POST /noticed", kind=MONEY, notice="this has a consequence")
    async def noticed(self) -> Thing: ...

    @public("GET /before", before=refuse_late)
    async def early(self, until: int) -> Thing: ...

    @public("GET /via", via=make_twice)
    async def twice(self) -> Thing: ...


class Declaring(Fourth):
    facts: Facts


@in_virtual_time
async def test_a_notice(caplog):
    """A call that was executed logs its further consequence."""
    async with Declaring(transport=Script.of(), **CREDENTIALS) as client:
        await client.facts.noticed()

    assert ["fourth.facts.noticed: this has a consequence"] == caplog.messages


@in_virtual_time
async def test_no_notice(caplog):
    """A call that was rejected logs no notice."""
    async with Declaring(transport=Script.of(refusal("funds")), **CREDENTIALS) as client:
        with pytest.raises(Rejected):
            await client.facts.noticed()

    assert [] == caplog.messages


@in_virtual_time
async def test_before():
    """A call that the client's clock does not allow at this moment is not sent."""
    script = Script.of()
    async with Declaring(transport=script, clock=lambda: WALL) as client:
        await client.facts.early(int(WALL) + 1)
        with pytest.raises(UsageError, match="too late"):
            await client.facts.early(int(WALL))

    assert 1 == len(script.came)


@in_virtual_time
async def test_via():
    """A call of several requests is carried out by its own function."""
    script = Script.of()
    async with Declaring(transport=script) as client:
        things = await client.facts.twice()

    assert ([Thing(1), Thing(1)], 2) == (things, len(script.came))
