import json
import re

import pytest

from exchanges.endpoint.call import prepare
from exchanges.errors import OutcomeUnknown
from tests.support.fourth import Orders
from tests.support.lagging_exchange import placing
from tests.support.scripted_transport import Script, html
from tests.support.virtual_time import in_virtual_time

BASE = "https://x.test/api"


def placed(*, tag=None, acting=None, **arguments):
    """Prepare an order that may have a tag."""
    return prepare(Orders.place.endpoint, {"amount": 3, "price": 5} | arguments, BASE, tag=tag, acting=acting or {})


async def intent_of(call, **arguments):
    """Send a call whose outcome is unknown; return its intent and the label that was sent."""
    script = Script.of(html(502))
    async with placing(script) as client:
        with pytest.raises(OutcomeUnknown) as caught:
            await call(client)(**{"amount": 3, "price": 5} | arguments)
    return caught.value.intent, json.loads(script.came[0].request.content).get("label")


@in_virtual_time
async def test_a_tag_travels():
    """An order with an empty label gets a tag, which is in the intent but not among its arguments."""
    intent, label = await intent_of(lambda c: c.orders.place)

    assert (label, {"amount": "3", "price": "5"}) == (intent.tag, intent.arguments)
    assert re.fullmatch("aio-[0-9a-f]{32}", label)


@in_virtual_time
@pytest.mark.parametrize("mine", ["mine", ""])
async def test_a_label_of_the_callers_own(mine):
    """A label of the caller is not changed, and is an argument like any other."""
    intent, label = await intent_of(lambda c: c.orders.place, label=mine)

    assert (mine, None, mine) == (label, intent.tag, intent.arguments["label"])


@in_virtual_time
async def test_a_call_without_a_place_for_a_tag():
    """A call without a field for a tag has none."""
    intent, label = await intent_of(lambda c: c.orders.buy)

    assert (None, None) == (label, intent.tag)


@in_virtual_time
async def test_tags_differ():
    """Every call has a tag of its own."""
    tags = {(await intent_of(lambda c: c.orders.place))[1] for _ in range(50)}

    assert len(tags) == 50


@in_virtual_time
async def test_a_tag_is_signed():
    """The tag is part of the signed message."""
    script = Script.of(html(502))
    async with placing(script) as client:
        with pytest.raises(OutcomeUnknown):
            await client.orders.place(amount=3, price=5)
        request = script.came[0].request
        signed = client._session.credentials.sign(
            f"{request.headers['X-Nonce']}{request.url.raw_path.decode()}".encode() + request.content
        )

    assert request.headers["X-Signature"] == signed


def test_the_digest_knows_no_tag():
    """Calls that would do the same have the same digest, whatever their tags."""
    digests = {placed().digest, placed(tag="a").digest, placed(tag="b").digest}

    assert len(digests) == 1


@pytest.mark.parametrize(
    "arguments", [{"amount": 4}, {"price": 4}, {"label": "a"}, {"amount": 5, "price": 3}, {"amount": "0.3"}]
)
def test_the_digest_knows_what_is_done(arguments):
    """Calls with different arguments have different digests; a label of the caller is part of them."""
    assert placed().digest != placed(**arguments).digest


@pytest.mark.parametrize("amount", ["3.0", "3.000"])
def test_the_digest_knows_numbers(amount):
    """Amounts that are the same number give the same digest."""
    assert placed().digest == placed(amount=amount).digest


def test_the_digest_knows_what_a_view_adds():
    """The fields of a view are part of the digest."""
    assert placed().digest != placed(acting={"as_user": "5"}).digest


def test_only_amounts_are_numbers():
    """A text of digits is not a number: zeros at its end count."""
    two = [
        prepare(Orders.send.endpoint, {"currency": "btc", "amount": 3, "to": to}, BASE).digest for to in ("1.0", "1.00")
    ]

    assert two[0] != two[1]


def test_the_digest_knows_no_secret():
    """A secret is no part of the digest, which is kept in the journal: a short one could be guessed from it."""
    sent = {"currency": "btc", "amount": 3, "to": "here"}
    digests = {prepare(Orders.send.endpoint, {**sent, "memo": memo}, BASE).digest for memo in ("one", "two")}

    assert len(digests) == 1
