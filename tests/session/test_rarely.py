import asyncio
import logging

import pytest

from exchanges.endpoint import Area, public
from tests.support.fourth import API, Fourth, Thing
from tests.support.scripted_transport import Script
from tests.support.virtual_time import in_virtual_time

SAID = (
    "fourth.archive.things: asked again after 59 s; the exchange allows a few in 60 s and its answer changes no sooner"
)


class Archive(Area, api=API):
    @public("GET /archive", rarely_seconds=60.0)
    async def things(self) -> Thing: ...


class Archived(Fourth):
    archive: Archive


@in_virtual_time
@pytest.mark.parametrize(("pause", "warnings"), [(59.0, [SAID]), (60.0, [])])
async def test_what_is_asked_too_soon_again(pause, warnings, caplog):
    """The second call of what an exchange asks to call rarely is a warning, within the time and not after it."""
    async with Archived(transport=Script.of()) as client:
        await client.archive.things()
        await asyncio.sleep(pause)
        await client.archive.things()

    assert warnings == [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
