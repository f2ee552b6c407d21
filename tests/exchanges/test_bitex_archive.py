import asyncio
import logging

import pytest

from exchanges.bitex import Bitex
from tests.support.scripted_transport import Script, answer
from tests.support.virtual_time import in_virtual_time

SAID = (
    "bitex.market.transactions_archive: read again after 3599 s; the exchange allows a few reads in 3600 s, "
    "and the answer changes no sooner"
)


@in_virtual_time
@pytest.mark.parametrize(("pause", "warnings"), [(3599.0, [SAID]), (3600.0, [])])
async def test_the_archive_is_read_too_soon_again(pause, warnings, caplog):
    """The second read of the archive of one book is a warning, within the hour and not after it."""
    async with Bitex(transport=Script.of(answer([]))) as client:
        await client.market.transactions_archive()
        await client.market.transactions_archive("btc_ars")
        await asyncio.sleep(pause)
        await client.market.transactions_archive()

    assert warnings == [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
