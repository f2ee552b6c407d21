import copy
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from exchanges.endpoint import Access, Kind
from exchanges.simulator import Faults, Simulator, Venue
from exchanges.simulator.simulator import EXCHANGES
from tests.support.simulator_calls import BITEX_FIELDS, ENDPOINTS, ask_bitex, ask_signed, simulated
from tests.support.simulator_in_process import InProcess
from tests.support.virtual_time import in_virtual_time

pytestmark = pytest.mark.sweep

LATE = Faults(late_seconds=(5, 10))
SHOWN_SECONDS = 10


@asynccontextmanager
async def late(faults: Faults = LATE, **options: Any):
    """Simulate with writes that become visible late, on a clock that moves with `Simulator.advance` alone."""
    async with (
        simulated(port=None, faults=faults, **options) as sim,
        httpx.AsyncClient(base_url=sim.base_url, transport=InProcess(sim)) as http,
    ):
        yield sim, http


async def ask(http: httpx.AsyncClient, endpoint: str, **known: object) -> httpx.Response:
    """Send a request to an endpoint, by its id."""
    venue, _, name = endpoint.partition(".")
    return await (ask_bitex(http, name, **known) if venue == "bitex" else ask_signed(http, endpoint, **known))


# Every read that could tell of a write

CASES = [
    # What is done, the reads that tell of it, and how they are asked.
    ("bitex.trading.create_bid", {}, {"bitex.trading.orders": {}, "bitex.trading.bid": {"bid_id": 1001}}),
    (
        "bitex.trading.create_ask",
        {"amount": "1", "price": "100"},  # which is bought at once, by the next request
        {
            "bitex.trading.orders": {},
            "bitex.trading.ask": {"ask_id": 1001},
            "bitex.trading.trades": {},
            "bitex.account.account_summary": {},
            "bitex.account.profile": {},
        },
    ),
    (
        "bitex.funding.create_usd_deposit",
        {},
        {"bitex.funding.usd_deposits": {}, "bitex.funding.usd_deposit": {"deposit_id": 1001}},
    ),
    (
        "bitex.funding.create_btc_withdrawal",
        {"amount": "1"},
        {
            "bitex.funding.btc_withdrawals": {},
            "bitex.funding.btc_withdrawal": {"withdrawal_id": 1001},
            "bitex.account.account_summary": {},
            "bitex.account.profile": {},
        },
    ),
    ("bitex.funding.create_address", {}, {"bitex.funding.addresses": {}}),
    ("bitex.bots.create_buying_bot", {}, {"bitex.bots.buying_bots": {}, "bitex.bots.buying_bot": {"bot_id": 1001}}),
    ("bitex.bots.create_selling_bot", {}, {"bitex.bots.selling_bots": {}, "bitex.bots.selling_bot": {"bot_id": 1001}}),
    (
        "bitex.payments.create_payment",
        {},
        {"bitex.payments.payments": {}, "bitex.payments.payment": {"payment_id": 1001}},
    ),
    (
        "bitex.kyc.create_profile",
        {},
        {"bitex.kyc.profiles": {}, "bitex.kyc.profile": {"kyc_profile_id": 1003}},
    ),
    ("bitex.kyc.create_file", {}, {"bitex.kyc.files": {}, "bitex.kyc.profile_files": {}}),
    ("bitex.resellers.create_user", {}, {"bitex.resellers.users": {}, "bitex.resellers.users_csv": {}}),
    ("bitex.webhooks.update_webhook", {}, {"bitex.webhooks.webhook": {}}),
    (
        "bitso.v2.trading.sell",
        {"price": "2000000"},
        {"bitso.v2.trading.open_orders": {}, "bitso.v2.account.balance": {}, "bitso.account.balance": {}},
    ),
    (
        "bitso.v2.trading.buy",
        {"price": "2000000"},
        {"bitso.v2.account.user_transactions": {}, "bitso.v2.account.balance": {}, "bitso.account.balance": {}},
    ),
    (
        "bitso.v2.funding.bitcoin_withdrawal",
        {},
        {"bitso.v2.account.user_transactions": {}, "bitso.account.balance": {}},
    ),
    (
        "bitstamp.v1.trading.sell",
        {"price": "1000000"},
        {"bitstamp.v1.trading.open_orders": {}, "bitstamp.v1.account.balance": {}},
    ),
    (
        "bitstamp.v1.trading.sell",
        {},
        {"bitstamp.v1.account.user_transactions": {}, "bitstamp.v1.account.balance": {}},
    ),
    (
        "bitstamp.v1.funding.bitcoin_withdrawal",
        {},
        {
            "bitstamp.v1.funding.withdrawal_requests": {},
            "bitstamp.v1.account.user_transactions": {},
            "bitstamp.v1.account.balance": {},
        },
    ),
]
READS = [(write, fields, read, known) for write, fields, reads in CASES for read, known in reads.items()]


@pytest.mark.parametrize(("write", "fields", "read", "known"), READS, ids=[f"{w} {r}" for w, _, r, _ in READS])
@in_virtual_time
async def test_a_write_is_shown_late(write, fields, read, known):
    """A write is answered at once; a read shows nothing of it for a while, and then everything."""
    async with late() as (sim, http):
        before = await ask(http, read, **known)
        done = await ask(http, write, **fields)
        sim.advance(4.9)
        hidden = await ask(http, read, **known)
        sim.advance(5.1)
        shown = await ask(http, read, **known)

        assert 200 == done.status_code
        assert (before.status_code, before.content) == (hidden.status_code, hidden.content)
        assert (200, True) == (shown.status_code, shown.content != hidden.content)


@in_virtual_time
async def test_work_orders_are_shown_late():
    """Cancelling and the like need more than one write before them."""
    async with late(Faults()) as (sim, http):
        await ask(http, "bitex.resellers.create_user")
        await ask(http, "bitex.funding.create_withdrawal_instruction", as_user="5001")
        output = {**BITEX_FIELDS["outputs"][0], "withdrawal_instruction_id": 1001}
        sim.faults = LATE
        parts = {"outputs": [output], "inputs": BITEX_FIELDS["inputs"]}
        await ask(http, "bitex.concierge.create_work_order_request", **parts)
        hidden = await ask(http, "bitex.concierge.work_order_requests")
        gone = await ask(http, "bitex.concierge.work_order_request", work_order_request_id=1001)
        sim.advance(SHOWN_SECONDS)
        shown = await ask(http, "bitex.concierge.work_order_requests")

        assert ([0, 1], 404) == ([len(r.json()["data"]) for r in (hidden, shown)], gone.status_code)


@in_virtual_time
async def test_conversions_are_shown_late():
    """A conversion is not found at first, then it is, as far as it is by then."""
    async with late(Faults()) as (sim, http):
        quote = (await ask(http, "bitso.conversions.create_quote", spend_amount="100")).json()["payload"]["id"]
        sim.faults = LATE
        oid = (await ask(http, "bitso.conversions.execute", quote_id=quote)).json()["payload"]["oid"]
        hidden = await ask(http, "bitso.conversions.conversion", conversion_id=oid)
        sim.advance(SHOWN_SECONDS)
        shown = await ask(http, "bitso.conversions.conversion", conversion_id=oid)

        assert (404, "completed") == (hidden.status_code, shown.json()["payload"]["status"])


@in_virtual_time
async def test_an_order_looked_up_is_shown_late():
    """An order that was placed cannot be found by its id at first."""
    async with late() as (sim, http):
        order = (await ask(http, "bitso.v2.trading.sell", price="2000000")).json()["id"]
        hidden = await ask(http, "bitso.v2.trading.lookup_order", id=order)
        sim.advance(SHOWN_SECONDS)
        shown = await ask(http, "bitso.v2.trading.lookup_order", id=order)

        assert ("Order not found", order) == (hidden.json()["error"], shown.json()[0]["id"])


@in_virtual_time
async def test_cancels_are_shown_late():
    """A cancelled order is still shown as open."""
    async with late(Faults()) as (sim, http):
        order = (await ask(http, "bitstamp.v1.trading.sell", price="1000000")).json()["id"]
        sim.faults = LATE
        await ask(http, "bitstamp.v1.trading.cancel_order", id=order)
        hidden = (await ask(http, "bitstamp.v1.trading.open_orders")).json()
        sim.advance(SHOWN_SECONDS)

        assert ([order], []) == (
            [o["id"] for o in hidden],
            (await ask(http, "bitstamp.v1.trading.open_orders")).json(),
        )


@in_virtual_time
async def test_what_is_not_shown_is_there():
    """An order that no list shows can be cancelled."""
    async with late() as (_, http):
        order = (await ask(http, "bitstamp.v1.trading.sell", price="1000000")).json()["id"]

        assert (await ask(http, "bitstamp.v1.trading.cancel_order", id=order)).json() is True


@in_virtual_time
async def test_lists_are_late_each_by_itself():
    """Of two endpoints one may show a write before the other does."""
    apart = 0
    for seed in range(10):
        async with late(Faults(late_seconds=(0, 10)), seed=seed) as (sim, http):
            await ask(http, "bitstamp.v1.funding.bitcoin_withdrawal")
            sim.advance(5)
            listed = (await ask(http, "bitstamp.v1.funding.withdrawal_requests")).json()
            entered = (await ask(http, "bitstamp.v1.account.user_transactions")).json()
            apart += len(listed) != len(entered)

    assert 0 < apart < 10


@in_virtual_time
async def test_what_was_shown_stays_shown():
    """An endpoint that showed a write never hides it again, and shows later ones later."""
    async with late(Faults(late_seconds=(0, 10))) as (sim, http):
        counts = []
        for number in range(40):
            if number % 4 == 0:
                await ask(http, "bitstamp.v1.trading.sell", amount="0.001", price="1000000")
            counts.append(len((await ask(http, "bitstamp.v1.trading.open_orders")).json()))
            sim.advance(1)
        sim.advance(SHOWN_SECONDS)
        counts.append(len((await ask(http, "bitstamp.v1.trading.open_orders")).json()))

    assert sorted(counts) == counts
    assert (0, 10, True) == (counts[0], counts[-1], len(set(counts)) > 4)


@in_virtual_time
async def test_lateness_is_the_same_from_the_same_seed():
    """When a write is shown depends on the seed and on the writes before it."""

    async def shown(seed: int) -> list[int]:
        async with late(Faults(late_seconds=(0, 10)), seed=seed) as (sim, http):
            await ask(http, "bitstamp.v1.trading.sell", price="1000000")
            counts = []
            for _ in range(100):
                counts.append(len((await ask(http, "bitstamp.v1.trading.open_orders")).json()))
                sim.advance(0.1)
            return counts

    assert await shown(1) == await shown(1)
    assert await shown(1) != await shown(2)


@in_virtual_time
async def test_a_write_that_is_refused_hides_nothing():
    """Only a write that was executed delays what is shown."""
    async with late() as (sim, http):
        await ask(http, "bitstamp.v1.trading.cancel_order", id=77)
        sim.bitstamp.deposit("usd", 100)
        balance = (await ask(http, "bitstamp.v1.account.balance")).json()

        assert "42100" == balance["usd_balance"].partition(".")[0]


@in_virtual_time
async def test_a_user_is_known_late():
    """Reads for a user who was just created find nobody; writes do."""
    async with late() as (sim, http):
        await ask(http, "bitex.resellers.create_user")
        wrote = await ask(http, "bitex.trading.create_bid", as_user="5001")
        hidden = await ask(http, "bitex.trading.orders", as_user="5001")
        sim.advance(SHOWN_SECONDS)
        shown = await ask(http, "bitex.trading.orders", as_user="5001")

        assert (200, 404, 200) == tuple(r.status_code for r in (wrote, hidden, shown))


@in_virtual_time
async def test_public_data_is_not_late():
    """The book shows an order at once."""
    async with late() as (_, http):
        await ask(http, "bitstamp.v1.trading.sell", price="1000000", amount="0.01234")
        book = (await http.get("/api/order_book/")).json()

        assert [1000000, 0.01234] == [float(text) for text in book["asks"][-1]]


@in_virtual_time
async def test_nonces_are_not_late():
    """Nonces are compared with the latest one, whatever reads show."""
    async with late() as (sim, http):
        await ask(http, "bitstamp.v1.trading.sell", price="1000000")
        await ask(http, "bitstamp.v1.trading.open_orders")

        assert ["ok", "ok"] == [seen.outcome for seen in sim.requests]


@in_virtual_time
async def test_what_is_hidden_stays_hidden_when_the_delay_changes():
    """A write keeps the delay that it had; later ones have the new one."""
    async with late() as (sim, http):
        counts = []
        await ask(http, "bitstamp.v1.trading.sell", price="1000000")
        sim.faults = Faults(late_seconds=(60, 60))
        await ask(http, "bitstamp.v1.trading.sell", price="1000000")
        for seconds in (4, 6, 49, 1):
            sim.advance(seconds)
            counts.append(len((await ask(http, "bitstamp.v1.trading.open_orders")).json()))

        assert [0, 1, 1, 2] == counts


@in_virtual_time
async def test_everything_is_visible_when_reads_are_no_longer_stale():
    """What was hidden is there at once."""
    async with late() as (sim, http):
        await ask(http, "bitstamp.v1.trading.sell", price="1000000")
        sim.faults = None

        assert 1 == len((await ask(http, "bitstamp.v1.trading.open_orders")).json())


@in_virtual_time
async def test_copies_are_forgotten():
    """No more is kept than may still be shown."""
    async with late() as (sim, http):
        for _ in range(5):
            await ask(http, "bitstamp.v1.trading.sell", price="1000000", amount="0.01")
            sim.advance(3)
            await ask(http, "bitstamp.v1.trading.open_orders")

        assert 3 == len(sim._exchanges[Venue.BITSTAMP].stale_reads._snapshots)


@pytest.mark.parametrize("venue", Venue)
@in_virtual_time
async def test_a_copied_state_stands_still(venue):
    """Whatever is done later, every private read of a copied state answers as it did when it was copied."""
    reads = [e for e in ENDPOINTS if e.api.exchange == venue and e.kind is Kind.READ and e.access is not Access.PUBLIC]

    async def contents(http: httpx.AsyncClient) -> list[bytes]:
        return [(await ask(http, read.id)).content for read in reads if read.id not in UNASKED]

    async with late(Faults()) as (sim, http):
        await live(sim, http, venue)
        still, lively = copy.deepcopy(sim._exchanges[venue]), sim._exchanges[venue]
        before = await contents(http)
        await live(sim, http, venue)
        changed = await contents(http)
        sim._exchanges[venue] = still
        still_same = await contents(http)
        sim._exchanges[venue] = lively

        assert before == still_same
        assert before != changed
        assert EXCHANGES[venue] is type(still)


UNASKED = {"bitso.conversions.conversion", "bitso.v2.trading.lookup_order"}


async def live(sim: Simulator, http: httpx.AsyncClient, venue: Venue) -> None:
    """Execute some of all kinds of writes."""
    for write, fields, _ in CASES:
        if write.startswith(venue):
            email = f"user{sim.calls}@example.com"
            await ask(http, write, **fields, **({"email": email} if write.endswith("create_user") else {}))
    await ask(http, {"bitex": "bitex.trading.orders"}.get(venue, f"{CASES[-1][0]}"))
