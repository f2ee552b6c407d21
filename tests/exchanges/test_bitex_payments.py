from decimal import Decimal

import pytest

from exchanges.bitex.models.payments import Currency, Payment, PaymentStatus
from exchanges.wire import decode, dumps
from tests.support.bitex_requests import client, refused, text
from tests.support.scripted_transport import Script, answer
from tests.support.virtual_time import in_virtual_time

PAYMENT = {
    "id": 1,
    "user_id": 1,
    "amount": 100,
    "currency_id": 3,
    "expected_quantity": 1,
    "confirmed_quantity": 0,
    "unconfirmed_quantity": 0,
    "valid_until": 1430226201,
    "status": "pending",
    "address": {"public_address": "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"},
}
ODD_URLS = [
    "http://example.com/ipn",
    "HTTP://example.com",
    "https://",
    "https:///ipn",
    "example.com/ipn",
    "//example.com/ipn",
    "ftp://example.com",
    "https://exa mple.com/",
    "https://example.com:0/",
    "https://example.com:99999/",
    "https://[::1/",
    "",
]


class TestCreating:
    def test_the_currency_by_name(self):
        """A currency is sent as its number."""
        assert "currency_id=4&amount=100" == text("payments.create_payment", currency_id=Currency.ARS, amount=100)

    @pytest.mark.parametrize("url", ODD_URLS)
    def test_https_only(self, url):
        """A callback URL that is not https is rejected."""
        assert "callback_url must be an https URL" in refused(
            "payments.create_payment", currency_id=3, amount=1, callback_url=url
        )

    @pytest.mark.parametrize("url", ["https://example.com", "HTTPS://EXAMPLE.com:8443/ipn?a=b", "https://[::1]/ipn"])
    def test_https(self, url):
        """Any https URL is accepted."""
        assert "callback_url=" in text("payments.create_payment", currency_id=3, amount=1, callback_url=url)

    @pytest.mark.parametrize(
        ("keep", "written"),
        [(0, "0"), ("0", "0"), ("0.00", "0"), (Decimal("0E-8"), "0"), ("2.5", "2.5"), (100, "100"), ("100.0", "100.0")],
    )
    def test_percentages(self, keep, written):
        """The percentage to keep is 0 to 100, both included."""
        body = text("payments.create_payment", currency_id=3, amount=1, keep=keep)

        assert f"currency_id=3&amount=1&keep={written}" == body

    @pytest.mark.parametrize(
        "keep",
        [Decimal("100.00000001"), 101, -1, "-0", "+0", "", ".", 0.0, 25.0, False, True, "NaN", Decimal("NaN"), [0]],
    )
    def test_no_percentages(self, keep):
        """Any other percentage is rejected; float and bool always."""
        assert "keep must" in refused("payments.create_payment", currency_id=3, amount=1, keep=keep)


class TestSettingUp:
    @pytest.mark.parametrize("slug", ["tierrabuena", "tierra-buena-2", "7"])
    def test_slugs(self, slug):
        """A slug consists of lower-case letters, digits and dashes."""
        assert f"merchant_slug={slug}" == text("payments.setup_pos", merchant_slug=slug)

    @pytest.mark.parametrize("slug", ["Tierra", "tierra_buena", "tierra buena", "tierra/buena", "ñandú", "t\u0661", ""])
    def test_no_slugs(self, slug):
        """Any other slug is rejected."""
        assert "merchant_slug must contain lower-case" in refused("payments.setup_pos", merchant_slug=slug)

    def test_some_settings(self):
        """Only what changes is sent; zero percent is a setting."""
        assert "merchant_keep=0" == text("payments.setup_pos", merchant_keep=0)

    @pytest.mark.parametrize("arguments", [{}, {"merchant_name": None}])
    def test_no_setting(self, arguments):
        """A call without settings is rejected before it is sent."""
        assert "give at least one setting" in refused("payments.setup_pos", **arguments)


class TestWebhooks:
    @pytest.mark.parametrize("url", ODD_URLS)
    def test_https_only(self, url):
        """A webhook URL that is not https is rejected."""
        assert "webhook_url must be an https URL" in refused("webhooks.update_webhook", webhook_url=url)


class TestModels:
    def test_absence(self):
        """Unknown fields are None; a payment without a required field is a decode error."""
        payment = decode(dumps({**PAYMENT, "settlement_amount": None, "kept": ""}), Payment)

        assert (None, None, None) == (payment.settlement_amount, payment.kept, payment.previous_expected_quantity)

    def test_numbers_of_currencies(self):
        """The documented currencies have the documented numbers."""
        names = ["BTC", "USD", "ARS", "UYU", "EUR", "CLP", "PEN", "BRL", "COP", "MXN"]

        assert dict(zip(names, [1, *range(3, 12)], strict=True)) == {c.name: int(c) for c in Currency if c <= 11}

    @pytest.mark.parametrize("status", ["pending", "seen", "done", "settled", "expired", "cancelled"])
    def test_statuses(self, status):
        """The documented statuses have names."""
        assert PaymentStatus(status).is_known

    def test_an_unknown_status(self):
        """A status that the guide does not name is kept."""
        assert "lost" == decode(dumps({**PAYMENT, "status": "lost"}), Payment).status


class TestGoingThrough:
    @in_virtual_time
    async def test_a_short_list(self):
        """A list that is not cut off is complete."""
        script = Script.of(answer([PAYMENT]))
        async with client(script) as bitex:
            ids = [payment.id async for payment in bitex.payments.every_payment()]

        assert ([1], 1) == (ids, len(script.came))

    @in_virtual_time
    async def test_a_list_that_is_cut(self):
        """After a list that is cut off each status is read separately, and no payment is yielded twice."""
        latest = [{**PAYMENT, "id": n} for n in range(1000, 500, -1)]
        done = [{**PAYMENT, "id": n, "status": "done"} for n in (600, 77)]

        def respond(request):
            return answer(done if request.url.params.get("status") == "done" else latest)

        script = Script.of(respond)
        async with client(script) as bitex:
            ids = [payment.id async for payment in bitex.payments.every_payment()]

        assert [*range(1000, 500, -1), 77] == ids
        assert [None, *PaymentStatus] == [c.request.url.params.get("status") for c in script.came]
