"""Clients' ids that callers choose: never used twice, whoever used one before."""

import asyncio
from contextlib import nullcontext

import pytest

from exchanges import Bitex, Bitso, Bitstamp
from exchanges.endpoint import endpoints_of
from exchanges.errors import InsufficientFunds, OutcomeUnknown, UsageError
from exchanges.state import FileState, MemoryState
from tests.support.scripted_transport import Script, answer, html

LIMIT = {"book": "btc_mxn", "side": "buy", "order_type": "limit", "major": "0.01", "price": "10000"}
MINE = {**LIMIT, "origin_id": "mine-1"}
OTHER = {**MINE, "major": "0.02"}
PLACED, *MORE = (answer({"success": True, "payload": {"oid": f"qlbga6b600n3xta{number}"}}) for number in range(3))
REFUSED = answer({"success": False, "error": {"code": "0379", "message": "insufficient funds"}}, 400)
ACCOUNT = {"api_key": "k", "api_secret": "s", "limits": None}


async def refused(client, script, **arguments):
    """Place an order that is refused because of its id, before anything is sent."""
    before = len(script.came)
    with pytest.raises(UsageError, match=r"origin_id='mine-1' was used .*nothing was sent"):
        await client.trading.place_order(**arguments)
    assert before == len(script.came)


async def test_an_id_of_an_order():
    """The id of an order is refused to all clients of the key; other ids, and orders without one, are not."""
    script, state = Script.of(PLACED, *MORE), MemoryState()
    async with (
        Bitso(transport=script, state=state, **ACCOUNT) as bitso,
        Bitso(transport=script, state=state, **ACCOUNT) as another,
    ):
        await bitso.trading.place_order(**MINE)
        await refused(bitso, script, **OTHER)
        await refused(another, script, **MINE)
        await another.trading.place_order(**{**MINE, "origin_id": "mine-2"})
        await another.trading.place_order(**LIMIT)


async def test_an_order_without_a_proven_outcome():
    """The id of an order that may have been executed is used, also when the order is dismissed."""
    script = Script.of(html(502), PLACED)
    async with Bitso(transport=script, state=MemoryState(), **ACCOUNT) as bitso:
        with pytest.raises(OutcomeUnknown) as caught:
            await bitso.trading.place_order(**MINE)
        await refused(bitso, script, **OTHER)
        bitso.unresolved.dismiss(caught.value.intent)
        await refused(bitso, script, **OTHER)


async def test_an_order_that_was_refused():
    """The id of an order that was certainly not executed may be used again."""
    script = Script.of(REFUSED, PLACED)
    async with Bitso(transport=script, state=MemoryState(), **ACCOUNT) as bitso:
        with pytest.raises(InsufficientFunds):
            await bitso.trading.place_order(**MINE)
        assert "qlbga6b600n3xta0" == await bitso.trading.place_order(**MINE)


async def test_two_at_once():
    """Of two orders at the same time with one id, one is sent."""
    script = Script.of(PLACED, PLACED)
    async with Bitso(transport=script, state=MemoryState(), **ACCOUNT) as bitso:
        orders = [bitso.trading.place_order(**arguments) for arguments in (MINE, OTHER)]
        results = await asyncio.gather(*orders, return_exceptions=True)

    assert 1 == len(script.came)
    assert {str, UsageError} == {type(result) for result in results}


@pytest.mark.parametrize("is_known", [True, False])
async def test_an_id_of_another_process(tmp_path, is_known):
    """The journal knows the ids of earlier processes, of calls whose outcome is known and of others."""
    first, second = Script.of(PLACED if is_known else html(502)), Script.of(PLACED)
    with FileState(tmp_path / "state") as state:
        async with Bitso(transport=first, state=state, **ACCOUNT) as bitso:
            with nullcontext() if is_known else pytest.raises(OutcomeUnknown):
                await bitso.trading.place_order(**MINE)
    with FileState(tmp_path / "state") as state:
        async with Bitso(transport=second, state=state, **ACCOUNT) as bitso:
            await refused(bitso, second, **OTHER)
            await bitso.trading.place_order(**{**OTHER, "origin_id": "mine-10"})


@pytest.mark.parametrize("client", [Bitex, Bitso, Bitstamp])
def test_searches_know_the_argument(client):
    """A search names the argument that its declaration marks as the client's id."""
    for endpoint in endpoints_of(client):
        search = client.searches().get(endpoint.id)
        declared = next((a.name for a in endpoint.arguments if a.param.call_id), None)
        assert declared == (None if search is None else search.client_id), endpoint.id
