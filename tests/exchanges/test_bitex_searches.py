"""What each search finds at the simulator; how each of them judges single rows stands in `test_bitex_tracing`."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from attrs import frozen

from exchanges.bitex import Bitex, Currency, Input, OrderReason, OrderStatus, Output, UsageTier, WithdrawalStatus
from exchanges.bitex.reconcile import SEARCHES
from exchanges.endpoint import MONEY, READ, WRITE, endpoints_of
from exchanges.errors import NotFound
from exchanges.outcomes.search import Query
from tests.support import bitex_rows
from tests.support.simulator_calls import NOW
from tests.support.simulator_days import playing

AT = datetime.fromtimestamp(NOW, UTC)
PNG = b"\x89PNG\r\n\x1a\n"
ENDPOINTS = {e.id: e for e in endpoints_of(Bitex)}
NO_EVIDENCE = {
    "bitex.funding.create_withdrawal_instruction": (
        "no read lists instructions; a withdrawal shows what its instruction says, not which it is"
    )
}
THIRD_PARTY = {"payment_method": "third_party", "country": "AR", "name": "N", "city": "C", "phone": "1"}

SURE = {
    "bitex.trading.create_bid": {"amount": "100.50", "price": 50_000},
    "bitex.trading.create_ask": {"amount": "0.005", "price": 70_000},
    "bitex.bots.create_buying_bot": {"amount": 1000, "chunk_size": 100, "time_to_live": 20},
    "bitex.bots.create_selling_bot": {"amount": "0.1", "chunk_size": "0.01", "time_to_live": 600},
    "bitex.funding.create_usd_deposit": {"country": "UY", "amount": 100, "currency": "UYU", "deposit_method": "bank"},
    "bitex.funding.create_btc_withdrawal": {"address": "1Elsewhere", "amount": "0.25", "label": "cold"},
    "bitex.payments.create_payment": {
        "currency_id": Currency.ARS,
        "amount": 1000,
        "keep": 25,
        "customer_reference": "a latte",
        "merchant_reference": "invoice#1234",
    },
    "bitex.concierge.create_work_order_request": {
        "payer_id": 5001,
        "inputs": [Input(country="AR", currency="ARS")],
        "outputs": [
            Output(user_id=5001, country="US", currency="USD", amount=Decimal("100.0"), withdrawal_instruction_id=1001),
            Output(user_id=5001, country="AR", currency="ARS", amount=400, withdrawal_instruction_id=1001),
        ],
    },
}
UNSURE = {
    "bitex.funding.create_usd_withdrawal": {"amount": 100, "withdrawal_instruction_id": 1002},
    "bitex.funding.create_address": {},
    "bitex.kyc.create_profile": {"usage_tier": UsageTier.SMALL, "first_name": "Billy", "legal_entity": True},
    "bitex.kyc.create_file": {"kyc_profile_id": 1001, "document": PNG},
    "bitex.resellers.create_user": {"email": "Second@example.com", "password": "long and random"},
}
CALLS: dict[str, dict[str, Any]] = {**SURE, **UNSURE}
OTHERS = [
    ("bitex.trading.create_bid", {"amount": "100.51"}),
    ("bitex.trading.create_bid", {"price": 50_001}),
    ("bitex.trading.create_bid", {"orderbook": 5}),
    ("bitex.trading.create_ask", {"amount": "0.006"}),
    ("bitex.trading.create_ask", {"price": 70_001}),
    ("bitex.bots.create_buying_bot", {"amount": 1001}),
    ("bitex.bots.create_buying_bot", {"chunk_size": 101}),
    ("bitex.bots.create_selling_bot", {"time_to_live": 599}),
    ("bitex.funding.create_usd_deposit", {"country": "AR"}),
    ("bitex.funding.create_usd_deposit", {"amount": 101}),
    ("bitex.funding.create_usd_deposit", {"currency": "USD"}),
    ("bitex.funding.create_usd_deposit", {"kyc_profile_id": 7}),
    ("bitex.funding.create_btc_withdrawal", {"address": "1another"}),
    ("bitex.funding.create_btc_withdrawal", {"amount": "0.26"}),
    ("bitex.funding.create_btc_withdrawal", {"label": "warm"}),
    ("bitex.funding.create_btc_withdrawal", {"kyc_profile_id": 7}),
    ("bitex.funding.create_usd_withdrawal", {"amount": 101}),
    ("bitex.funding.create_usd_withdrawal", {"kyc_profile_id": 7}),
    ("bitex.funding.create_address", {"auto_sell": True}),
    ("bitex.payments.create_payment", {"currency_id": Currency.USD}),
    ("bitex.payments.create_payment", {"amount": 1001}),
    ("bitex.payments.create_payment", {"keep": 26}),
    ("bitex.payments.create_payment", {"merchant_reference": "invoice#1235"}),
    ("bitex.kyc.create_profile", {"usage_tier": UsageTier.LARGE}),
    ("bitex.kyc.create_profile", {"legal_entity": False}),
    ("bitex.kyc.create_profile", {"last_name": "Bob"}),
    ("bitex.kyc.create_file", {"document": PNG + PNG}),
    ("bitex.resellers.create_user", {"email": "third@example.com"}),
    ("bitex.concierge.create_work_order_request", {"payer_id": 1}),
    ("bitex.concierge.create_work_order_request", {"inputs": [Input(country="AR", currency="USD")]}),
    ("bitex.concierge.create_work_order_request", {"bitcoin_inputs": [{"amount": 1}]}),
]


def intent_of(name: str, **changes: Any):
    """What a call as in the table, but for *changes*, was to do."""
    return bitex_rows.intent_of(name.removeprefix("bitex."), at=AT, **{**CALLS[name], **changes})


def query(intent, *, since: float = -5, until: float = 30):
    """What is looked for; since when and until when, in seconds from the call."""
    return Query(intent, AT + timedelta(seconds=since), AT + timedelta(seconds=until), timedelta(seconds=until))


async def call(client: Bitex, name: str, arguments) -> Any:
    """Call an endpoint by its id."""
    _, area, method = name.split(".")
    return await getattr(getattr(client, area), method)(**arguments)


async def look(client: Bitex, intent, **window: float):
    """Send all reads that the search asks for, and return its result."""
    wanted, answers = query(intent, **window), {}
    search = SEARCHES[intent.endpoint]
    while (matches := search.find(wanted, answers)).more:
        assert not answers.keys() & set(matches.more), "a read is asked for once"
        for read in matches.more:
            assert read.endpoint.kind is READ, read
            try:
                answers[read] = await call(client, read.endpoint.id, dict(read.arguments))
            except NotFound as error:
                answers[read] = error
    return matches


@frozen
class Stage:
    """A simulated Bitex, with a user of the reseller, and instructions of both."""

    sim: Any
    reseller: Bitex
    ordinary: Bitex

    async def make(self, name: str, **arguments: Any):
        """Call as in the table, but for *arguments*; return the match that its answer is."""
        answer = await call(self.reseller, name, {**CALLS[name], **arguments})
        made = SEARCHES[name].identify(answer)
        assert made is not None
        return made

    async def look(self, name: str, **window: float):
        """Look for a call as in the table."""
        return await look(self.reseller, intent_of(name), **window)


@pytest.fixture
async def stage():
    """Everything that the calls of the table need."""
    async with playing() as (sim, reseller, ordinary):
        await reseller.resellers.create_user(email="first@example.com", password="x")
        await reseller.resellers.create_user(email="zeroth@example.com", password="x")
        await reseller.as_user(5001).funding.create_withdrawal_instruction(body=THIRD_PARTY)
        await reseller.funding.create_withdrawal_instruction(body=THIRD_PARTY)
        yield Stage(sim, reseller, ordinary)


def test_each_call_that_is_never_repeated():
    """Each call that is never repeated can be found again, or it is known why not."""
    once = {e.id for e in ENDPOINTS.values() if e.kind in (WRITE, MONEY)}

    assert (once, set()) == (SEARCHES.keys() | NO_EVIDENCE.keys(), SEARCHES.keys() & NO_EVIDENCE.keys())


def test_every_search_is_tried():
    """The table of calls of these tests holds one for each search."""
    assert SEARCHES.keys() == CALLS.keys()


@pytest.mark.parametrize("name", CALLS)
class TestTheSimulator:
    async def test_what_was_made(self, stage, name):
        """What a call made is found, and nothing else, by the id that its answer names."""
        made = await stage.make(name)
        matches = await stage.look(name)

        assert ([made.id], [name in SURE], True) == (
            [c.id for c in matches.candidates],
            [c.sure for c in matches.candidates],
            matches.complete,
        )

    async def test_what_was_not_made(self, stage, name):
        """Of a call that was never carried out nothing is found, and that is all there is."""
        matches = await stage.look(name)

        assert ((), True) == (matches.candidates, matches.complete)

    async def test_when_it_was_made(self, stage, name):
        """What an answer names as its moment is the moment of the call, or none."""
        made = await stage.make(name)

        assert made.at in (AT, None)


@pytest.mark.parametrize("name", sorted(CALLS.keys() - {"bitex.resellers.create_user"}))
async def test_a_twin(stage, name):
    """Of two that are the same both are found."""
    first, second = await stage.make(name), await stage.make(name)
    matches = await stage.look(name)

    assert {first.id, second.id} == {c.id for c in matches.candidates}


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("name", "changes"), OTHERS, ids=lambda case: case if isinstance(case, str) else next(iter(case))
)
async def test_another(stage, name, changes):
    """What differs in one argument was made by another call."""
    await stage.make(name)
    matches = await look(stage.reseller, intent_of(name, **changes))

    assert ((), True) == (matches.candidates, matches.complete)


@pytest.mark.parametrize("name", sorted(SURE))
async def test_another_time(stage, name):
    """Of what was made before the call could have been, or after it, nothing is sure to be its."""
    await stage.make(name)
    later, earlier = await stage.look(name, since=2, until=30), await stage.look(name, since=-30, until=-2)

    assert [] == [c for c in (*later.candidates, *earlier.candidates) if c.sure]


class TestOrders:
    async def test_traded_at_once(self, stage):
        """An order that traded at once, and left the list of orders hours ago, is in the summary."""
        made = await stage.make("bitex.trading.create_ask", price=10_000)
        stage.sim.advance(1)
        stage.sim.advance(3 * 3600)
        listed = await stage.reseller.trading.orders()
        matches = await look(stage.reseller, intent_of("bitex.trading.create_ask", price=10_000), until=3 * 3600)

        assert ([], [made.id], False) == (listed, [c.id for c in matches.candidates], matches.complete)

    async def test_traded_in_part(self, stage):
        """An order that traded in part is found once, as the list of orders shows it."""
        made = await stage.make("bitex.trading.create_bid", amount=10_000_000, price=60_500)
        await stage.reseller.trading.orders()
        (candidate,) = (
            await look(stage.reseller, intent_of("bitex.trading.create_bid", amount=10_000_000, price=60_500))
        ).candidates

        assert (made.id, True) == (candidate.id, candidate.sure)

    async def test_without_funds(self, stage):
        """An order that was cancelled for want of funds was placed all the same."""
        await stage.make("bitex.trading.create_bid", amount=10_000_000)
        matches = await look(stage.reseller, intent_of("bitex.trading.create_bid", amount=10_000_000))
        (found,) = [c.found for c in matches.candidates]

        assert (OrderStatus.CANCELLED, OrderReason.NOT_ENOUGH_FUNDS) == (found.status, found.reason)

    async def test_cancelled(self, stage):
        """An order that was cancelled meanwhile is found."""
        made = await stage.make("bitex.trading.create_bid")
        await stage.reseller.trading.orders()
        await stage.reseller.trading.cancel_bid(int(made.id))
        matches = await stage.look("bitex.trading.create_bid")

        assert [made.id] == [c.id for c in matches.candidates]

    async def test_of_somebody_else(self, stage):
        """The same order of another customer is none of ours."""
        await call(stage.ordinary, "bitex.trading.create_bid", CALLS["bitex.trading.create_bid"])
        matches = await stage.look("bitex.trading.create_bid")

        assert () == matches.candidates


class TestForOthers:
    async def test_as_user(self, stage):
        """What was made as a user is found as this user, and not as the reseller."""
        user, arguments = stage.reseller.as_user(5001), CALLS["bitex.funding.create_btc_withdrawal"]
        made = await user.funding.create_btc_withdrawal(**arguments)
        intent = intent_of("bitex.funding.create_btc_withdrawal")
        as_user, as_reseller = await look(user, intent), await look(stage.reseller, intent)

        assert ([made.id], WithdrawalStatus.CANCELLED, ()) == (
            [int(c.id) for c in as_user.candidates],
            as_user.candidates[0].found.status,
            as_reseller.candidates,
        )

    @pytest.mark.parametrize("name", ["bitex.funding.create_btc_withdrawal", "bitex.funding.create_usd_deposit"])
    async def test_another_profile(self, stage, name):
        """What was made for a profile is found by it; without it, when the main one is meant, it is not sure."""
        profile = await stage.reseller.kyc.create_profile(usage_tier=UsageTier.MICRO)
        await stage.make(name, kyc_profile_id=profile.id)
        named = await look(stage.reseller, intent_of(name, kyc_profile_id=profile.id))
        unnamed = await stage.look(name)

        assert ([True], [False]) == ([c.sure for c in named.candidates], [c.sure for c in unnamed.candidates])


@pytest.mark.parametrize(
    ("name", "field"),
    [("bitex.funding.create_btc_withdrawal", "label"), ("bitex.payments.create_payment", "merchant_reference")],
)
class TestTags:
    async def test_found_by_its_tag(self, stage, name, field):
        """Among calls that are otherwise the same the one that bears the tag is found, and no other."""
        made = [await stage.make(name, **{field: tag}) for tag in ("aio-1", "aio-2", "cold")]
        matches = await look(stage.reseller, intent_of(name, tag="aio-2", **{field: None}))

        assert [(made[1].id, True)] == [(c.id, c.tagged) for c in matches.candidates]

    async def test_put_on(self, stage, name, field):
        """A call whose text is left empty gets a tag on its way, so it is none that bears another."""
        made = await stage.make(name, **{field: None})
        tag = getattr(made.found, field)
        found = [await look(stage.reseller, intent_of(name, tag=t, **{field: None})) for t in (tag, "aio-2")]

        assert [[made.id], []] == [[c.id for c in matches.candidates] for matches in found]


def test_tags():
    """Where the caller leaves it empty, two texts that nobody but he reads bear the tag."""
    expected = {
        ("bitex.funding.create_btc_withdrawal", "label"),
        ("bitex.payments.create_payment", "merchant_reference"),
    }

    assert expected == {(e.id, a.name) for e in ENDPOINTS.values() for a in e.arguments if a.param.tag}


def test_echoes():
    """Arguments are repeated under their own names, but for these."""
    expected = {
        ("create_usd_deposit", "amount"): "requested_amount",
        ("create_usd_deposit", "deposit_method"): None,
        ("create_btc_withdrawal", "address"): "to_address",
        ("create_btc_withdrawal", "amount"): "quantity",
        ("create_payment", "keep"): None,
        ("create_withdrawal_instruction", "body"): "stored",
        ("create_file", "document_content_type"): None,
        ("create_work_order_request", "should_confirm_quote"): None,
    }
    once = [e for e in ENDPOINTS.values() if e.kind.is_once]

    assert expected == {
        (e.id.rpartition(".")[2], a.name): a.param.echo for e in once for a in e.arguments if a.param.echo != "="
    }
