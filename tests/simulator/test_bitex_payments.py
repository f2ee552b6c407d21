import json
from decimal import Decimal

import pytest

from exchanges.bitex import Bitex, Currency, PaymentStatus
from exchanges.errors import InvalidRequest
from exchanges.simulator import Delivery, Venue, forward_to
from exchanges.simulator.webhooks import TIMEOUT_SECONDS
from tests.support.simulator_calls import simulated, wrong_field
from tests.support.simulator_days import NOTHING, playing, sums

CALLBACK = "https://example.com/ipn?shop=1"


async def test_a_payment_is_settled_in_dollars():
    """PENDING, SEEN, DONE, SETTLED: a quarter of the coins is kept, the rest sold; the callbacks agree."""
    async with playing() as (sim, bitex, _):
        before = await bitex.account.profile()
        payment = await bitex.payments.create_payment(currency_id=3, amount=1000, callback_url=CALLBACK, keep=25)
        sim.bitex.pay(payment.id)
        statuses = [payment.status]
        for seconds in (0, 1800, 60):
            sim.advance(seconds)
            payment = await bitex.payments.payment(payment.id)
            statuses.append(payment.status)
        after = await bitex.account.profile()
        updates = [bitex.callbacks.payment(delivery.body) for delivery in sim.bitex.deliveries]

        assert ["pending", "seen", "done", "settled"] == statuses
        assert ["seen", "done", "settled"] == [update.status for update in updates]
        assert (Currency.USD, (payment.expected_quantity / 4).quantize(Decimal("1E-8"), "ROUND_DOWN")) == (
            payment.settlement_currency_id,
            payment.kept,
        )
        assert (payment.settlement_amount, payment.kept) == (
            after.usd_balance - before.usd_balance,
            after.btc_balance - before.btc_balance,
        )
        assert 700 < (payment.settlement_amount or 0) < 760
        assert (NOTHING, NOTHING) == sums(sim)


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ({"currency_id": 1, "amount": "0.5", "keep": 25}, NOTHING),
        ({"currency_id": 3, "amount": "1.50"}, None),
        ({"currency_id": 3, "amount": "1000", "keep": 100}, None),
    ],
    ids=["btc", "too little", "all"],
)
async def test_some_payments_stay_coins(asked, kept):
    """What was quoted in BTC, is worth less than 2 USD, or is to be kept whole, is not sold."""
    async with playing() as (sim, bitex, _):
        before = await bitex.account.profile()
        payment = await bitex.payments.create_payment(**asked)
        sim.bitex.pay(payment.id)
        sim.advance(3600)
        settled = await bitex.payments.payment(payment.id)
        after = await bitex.account.profile()

        assert (Currency.BTC, payment.expected_quantity) == (settled.settlement_currency_id, settled.settlement_amount)
        assert (payment.expected_quantity if kept is None else kept) == settled.kept
        assert (NOTHING, payment.expected_quantity) == (
            after.usd_balance - before.usd_balance,
            after.btc_balance - before.btc_balance,
        )


async def test_a_payment_that_nobody_makes_is_quoted_again_and_expires():
    """Each quarter of an hour there is a new quote, the one before stays valid; after an hour it is over."""
    async with playing() as (sim, bitex, _):
        payment = await bitex.payments.create_payment(currency_id=4, amount=10_000, callback_url=CALLBACK)
        sim.advance(15 * 60)
        again = await bitex.payments.payment(payment.id)
        sim.advance(45 * 60)
        [expired] = await bitex.payments.payments(status=PaymentStatus.EXPIRED)

        assert (None, payment.expected_quantity) == (
            payment.previous_expected_quantity,
            again.previous_expected_quantity,
        )
        assert payment.valid_until == expired.valid_until
        assert [] == await bitex.payments.payments(status=PaymentStatus.PENDING)
        assert ["expired"] == [json.loads(d.body)["payment"]["status"] for d in sim.bitex.deliveries]


async def test_coins_that_are_too_few_too_late_or_too_many_are_credited():
    """In parts, after the end, or beyond what was expected: no coin is lost."""
    async with playing() as (sim, bitex, _):
        before = await bitex.account.profile()
        few = await bitex.payments.create_payment(currency_id=1, amount=1)
        many = await bitex.payments.create_payment(currency_id=1, amount=1)
        sim.bitex.pay(few.id, Decimal("0.5"))
        for _ in range(2):
            sim.bitex.send_btc(many.address.public_address, Decimal("0.75"))
        sim.advance(2 * 3600)
        sim.bitex.pay(few.id, Decimal("0.5"))
        sim.advance(3600)
        few, many = await bitex.payments.payment(few.id), await bitex.payments.payment(many.id)
        after = await bitex.account.profile()

        assert (PaymentStatus.EXPIRED, PaymentStatus.SETTLED) == (few.status, many.status)
        assert (Decimal(1), Decimal("0.5")) == (few.confirmed_quantity, many.overpaid)
        assert Decimal("2.5") == after.btc_balance - before.btc_balance
        assert 4 == len(await bitex.funding.btc_deposits())
        assert (NOTHING, NOTHING) == sums(sim)


async def test_a_payment_that_the_network_loses_is_cancelled():
    """Seen but not confirmed for two hours: CANCELLED, nothing is credited."""
    async with playing() as (sim, bitex, _):
        payment = await bitex.payments.create_payment(currency_id=1, amount=1)
        sim.bitex.pay(payment.id, confirms=False)
        sim.advance(2 * 3600)

        assert PaymentStatus.CANCELLED == (await bitex.payments.payment(payment.id)).status
        assert [] == await bitex.funding.btc_deposits()


async def test_a_point_of_sale_is_set_up_bit_by_bit():
    """Settings that are not given stay; a slug belongs to one account."""
    async with playing() as (_, bitex, ordinary):
        await bitex.payments.setup_pos(merchant_name="Tierra Buena", merchant_slug="tierra", merchant_keep=10)
        changed = await bitex.payments.setup_pos(merchant_site="https://example.com", merchant_keep=0)

        assert ("Tierra Buena", "tierra", NOTHING, "https://example.com") == (
            changed.merchant_name,
            changed.merchant_slug,
            changed.merchant_keep,
            changed.merchant_site,
        )
        with pytest.raises(InvalidRequest):
            await ordinary.payments.setup_pos(merchant_slug="tierra")


# The post


async def test_callbacks_travel_over_a_socket(raw_posts):
    """With `forward_to` each delivery is one POST to a server of the test, path, query, host and body as they are."""
    origin, received = raw_posts
    async with playing() as (sim, bitex, _):
        sim.bitex.deliver = forward_to(origin)
        payment = await bitex.payments.create_payment(currency_id=3, amount=1000, callback_url=CALLBACK)
        sim.bitex.pay(payment.id)
        sim.advance(3600)
        await sim.bitex.delivered()
        head, _, body = received[0].partition(b"\r\n\r\n")

        assert [204, 204, 204] == [d.status for d in sim.bitex.deliveries]
        assert [d.body for d in sim.bitex.deliveries] == [post.partition(b"\r\n\r\n")[2] for post in received]
        assert head.startswith(b"POST /ipn?shop=1 HTTP/1.1\r\nHost: example.com\r\n")
        assert payment.id == bitex.callbacks.payment(body).id
        assert b"Content-Type: application/json" in head


async def test_only_this_machine_is_ever_posted_to(raw_posts, http, sim):
    """Unless a test says otherwise, http on loopback is posted to; everything else is recorded, never contacted."""
    origin, received = raw_posts
    fields = {"api_key": "simulated-bitex-key", "currency_id": "1", "amount": "1"}
    for url in (f"{origin}/here", "https://example.com/there"):
        made = await http.post("/api-v1/rest/private/payments", data={**fields, "callback_url": url})
        sim.bitex.pay(made.json()["id"])
    await sim.bitex.delivered()

    assert [204, None] == [delivery.status for delivery in sim.bitex.deliveries]
    assert [b"POST /here HTTP/1.1"] == [post.partition(b"\r\n")[0] for post in received]


@pytest.mark.parametrize("url", ["http://example.com/", "ftp://127.0.0.1/", "https://", "nonsense"])
async def test_a_callback_url_is_https_or_of_this_machine(http, url):
    """Bitex posts to no other address."""
    fields = {"api_key": "simulated-bitex-key", "currency_id": "1", "amount": "1", "callback_url": url}
    response = await http.post("/api-v1/rest/private/payments", data=fields)

    assert "callback_url" == wrong_field(response)


async def test_deliveries_may_go_to_an_application_in_the_same_process():
    """The given function carries each delivery, in order, and returns the status of the answer."""
    came: list[Delivery] = []

    async def deliver(delivery: Delivery) -> int:
        came.append(delivery)
        return 200

    async with simulated(Venue.BITEX, deliver=deliver) as sim:
        async with Bitex(base_url=sim.base_url, limits=None, **sim.account(Venue.BITEX)) as bitex:
            await bitex.webhooks.update_webhook(webhook_url="https://example.com/webhook")
            await bitex.webhooks.test_webhook(echo="one")
            await bitex.webhooks.test_webhook(echo="two")
            await sim.bitex.delivered()

            assert ["one", "two"] == [bitex.callbacks.webhook(d.headers, d.body).echo for d in came]
        assert (came, [200, 200]) == (sim.bitex.deliveries, [d.status for d in came])


async def test_a_delivery_that_fails_has_no_status(caplog):
    """A server that is not there is logged without address or body; later deliveries go on."""
    answers = [OSError("refused"), 200]

    async def deliver(delivery: Delivery) -> int:
        answer = answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    async with playing() as (sim, bitex, _):
        sim.bitex.deliver = deliver
        await bitex.webhooks.update_webhook(webhook_url="https://example.com/webhook")
        for echo in ("one", "two"):
            await bitex.webhooks.test_webhook(echo=echo)
        await sim.bitex.delivered()

        assert [None, 200] == [d.status for d in sim.bitex.deliveries]
    assert "a webhook delivery got no answer: OSError" in caplog.text
    assert "example.com" not in caplog.text


def test_deliveries_are_forwarded_to_this_machine_only():
    """An origin elsewhere is refused, and a delivery prints neither headers nor body."""
    with pytest.raises(ValueError, match="loopback"):
        forward_to("http://example.com")

    assert "key" not in repr(Delivery("https://example.com/", {"Webhook-Auth": "key"}, b"key", 0))
    assert TIMEOUT_SECONDS > 0
