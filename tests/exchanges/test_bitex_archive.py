import asyncio
import logging

import httpx
import pytest

from exchanges.bitex import Bitex, Movement, Transaction
from exchanges.errors import DecodeError, ExchangeError
from exchanges.wire import decode
from tests.support.large_lists import ARCHIVE, SUMMARY, listed
from tests.support.raw_server import answering, response, serving
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


async def test_a_large_archive():
    """A large archive is a sequence of its rows, and a large summary as well."""
    archive, summary = answering(response(listed(ARCHIVE))), answering(response(listed(SUMMARY), zipped=True))
    async with serving(archive) as server, Bitex(base_url=server.origin, limits=None) as client:
        archive = await client.market.transactions_archive()
    async with serving(summary) as server, Bitex(base_url=server.origin, api_key="key", limits=None) as client:
        summary = await client.account.account_summary(full=True)

    assert decode(listed(ARCHIVE), list[Transaction]) == archive
    assert decode(listed(SUMMARY), list[Movement]) == summary


@pytest.mark.parametrize("strict", [False, True])
async def test_a_bad_row_of_a_large_archive(strict):
    """A bad row of a large archive is left out, for strict clients an error that names it, through any transport."""
    body = listed([*ARCHIVE, b"[1490605200,1,true,1]"])
    said = "bitex.market.transactions_archive[5000]: Transaction position 2 (price): expected a decimal number"
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=body))
    async with (
        serving(answering(response(body))) as server,
        Bitex(base_url=server.origin, limits=None, strict=strict) as own,
        Bitex(transport=transport, limits=None, strict=strict) as injected,
    ):
        for client in (own, injected):
            try:
                found = await client.market.transactions_archive()
            except DecodeError as error:
                found = str(error)
            assert found.startswith(said) if strict else found == decode(listed(ARCHIVE), list[Transaction])


async def test_a_bad_row_of_a_large_summary():
    """A large summary loses no row: a bad one is an error that names it."""
    talk = answering(response(listed([*SUMMARY, b"[5,1,946685400,1,true]"])))
    async with serving(talk) as server, Bitex(base_url=server.origin, api_key="key", limits=None) as client:
        with pytest.raises(DecodeError, match=rf"account_summary\[{len(SUMMARY)}\]: SpecieDeposit position 4"):
            await client.account.account_summary(full=True)


async def test_an_error_in_place_of_the_archive():
    """Bitex' own errors are read where a large list is expected."""
    talk = answering(response(b'{"error": "no"}', status=b"422 No"))
    async with serving(talk) as server, Bitex(base_url=server.origin, limits=None) as client:
        with pytest.raises(ExchangeError) as caught:
            await client.market.transactions_archive()

    assert "422" in str(caught.value)
