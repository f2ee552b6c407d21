import hashlib
import json
import traceback
from decimal import Decimal

import pytest

from exchanges.bitex import Bitex
from exchanges.bitex.callbacks import MAX_BYTES, Callbacks
from exchanges.bitex.models.concierge import WorkOrderRequest
from exchanges.bitex.models.kyc import KycProfileUpdate
from exchanges.bitex.models.payments import PaymentStatus, PaymentUpdate
from exchanges.bitex.webhooks import WebhookEcho
from exchanges.errors import CallbackRejected, UsageError
from exchanges.wire import Deviation, decode, dumps, encode
from exchanges.wire.strict_json import read_strictly
from tests.support.bitex_callbacks import (
    CALLBACKS,
    DIGEST,
    ECHO,
    KEY,
    OLD_KEY,
    ORDER,
    PAYMENT,
    is_refused,
    posted,
    signed,
)
from tests.support.scripted_transport import Script, answer
from tests.support.virtual_time import in_virtual_time


def profile(**attributes):
    """Build a document about a KYC profile."""
    return json.dumps({"data": {"id": "7", "type": "kyc_profiles", "attributes": attributes}}).encode()


class TestPayments:
    def test_the_guides_example(self):
        """The documented callback, without its extra comma, is read as a payment update without the key."""
        update = CALLBACKS.payment(posted())

        assert (1, Decimal("0.01936"), PaymentStatus.PENDING, 11012, None) == (
            update.id,
            update.expected_quantity,
            update.status,
            update.address.id,
            update.address.payment_id,
        )
        assert KEY not in repr(update)

    def test_the_guides_comma(self):
        """The documented callback as printed is not JSON, and is rejected."""
        assert is_refused(lambda: CALLBACKS.payment(posted()[:-2] + b",}}"))

    @pytest.mark.parametrize("key", [KEY, OLD_KEY])
    def test_every_key(self, key):
        """Every key that was given is accepted."""
        assert 1 == CALLBACKS.payment(posted(key)).id

    def test_anything_may_be_missing(self):
        """A callback may omit any field of the payment."""
        assert PaymentUpdate() == CALLBACKS.payment(posted(payment={}))

    def test_drift(self):
        """New fields and new statuses do not make a callback fail."""
        update = CALLBACKS.payment(posted(payment={**PAYMENT, "status": "lost", "new": [1]}))

        assert "lost" == update.status

    def test_round_trip(self):
        """The update of a payment encodes as received."""
        update = CALLBACKS.payment(posted())

        assert update == decode(dumps(encode(update)), PaymentUpdate)

    @pytest.mark.parametrize(
        "payment", [None, [], "x", 1, {"id": "one"}, {"id": 1.5}, {"amount": "1e999"}, {"address": 1}]
    )
    def test_no_payment(self, payment):
        """With the right key but without a payment it is rejected."""
        assert is_refused(lambda: CALLBACKS.payment(posted(payment=payment)))

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"null",
            b"[]",
            b"{}",
            b'"x"',
            b"\xff",
            b"\x00",
            b"[" * 100_000,
            b'{"api_key":' * 10_000,
            b'{"payment": {}}',
            None,
            "text",
            7,
            {},
            bytearray(posted()),
        ],
    )
    def test_odd_bodies(self, body):
        """A body of another shape than documented is rejected."""
        assert is_refused(lambda: CALLBACKS.payment(body))

    def test_too_large(self):
        """A body above 1 MiB is rejected, whatever it contains."""
        body = posted()

        assert not is_refused(lambda: CALLBACKS.payment(body + b" " * (MAX_BYTES - len(body))))
        assert is_refused(lambda: CALLBACKS.payment(body + b" " * (MAX_BYTES - len(body) + 1)))

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig", "utf-16-le"])
    def test_other_encodings(self, encoding):
        """A body that is not UTF-8, or has a byte order mark, is rejected."""
        assert is_refused(lambda: CALLBACKS.payment(posted().decode().encode(encoding)))


class TestWebhooks:
    def test_a_work_order(self):
        """A work order is posted as the same document that reading it returns."""
        assert decode(ORDER, WorkOrderRequest) == CALLBACKS.webhook(signed(), ORDER)

    @pytest.mark.parametrize(("tier", "accepted"), [("micro", "micro"), (None, None), ("huge", "huge")])
    def test_a_profile(self, tier, accepted):
        """A profile has the tier that was accepted; None is a rejection."""
        update = CALLBACKS.webhook(signed(), profile(accepted_usage_tier=tier, first_name="Billy"))

        assert (7, accepted, {"first_name": "Billy"}) == (update.id, update.accepted_usage_tier, update.attributes)

    def test_a_profile_prints_without_personal_data(self):
        """The other attributes of a profile are not in its repr."""
        assert "Billy" not in repr(CALLBACKS.webhook(signed(), profile(accepted_usage_tier=None, first_name="Billy")))

    def test_a_profile_without_a_verdict(self):
        """A profile without an accepted tier is not read as a rejection."""
        assert is_refused(lambda: CALLBACKS.webhook(signed(), profile(first_name="Billy")))

    @pytest.mark.parametrize("tier", ["small", None])
    def test_round_trip(self, tier):
        """The update of a profile encodes as received, a rejection too."""
        update = CALLBACKS.webhook(signed(), profile(accepted_usage_tier=tier, first_name="Billy"))

        assert update == decode(dumps(encode(update)), KycProfileUpdate)

    def test_an_echo(self):
        """A test posts the echo."""
        assert WebhookEcho(echo="hello world") == CALLBACKS.webhook(signed(), ECHO)

    @pytest.mark.parametrize(
        "headers",
        [
            {"webhook-auth": DIGEST},
            {"WEBHOOK-AUTH": DIGEST},
            [(b"webhook-auth", DIGEST.encode())],
            [("Host", "x"), ("Webhook-Auth", DIGEST)],
            [(b"x-odd", b"\xff"), (b"Webhook-Auth", DIGEST.encode())],
            signed(OLD_KEY),
        ],
    )
    def test_headers(self, headers):
        """Headers may be a mapping, pairs of str or pairs of bytes; their names are case-insensitive."""
        assert not is_refused(lambda: CALLBACKS.webhook(headers, ECHO))

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            [],
            None,
            7,
            "Webhook-Auth",
            {"Webhook-Auth": ""},
            {"Webhook-Auth": None},
            {"Webhook-Auth": KEY},
            {"Webhook-Auth": DIGEST.upper()},
            {"Webhook-Auth": f" {DIGEST}"},
            {"Webhook-Auth": f"{DIGEST}\n"},
            {"Webhook-Auth": DIGEST[:-1]},
            {"Webhook-Auth": DIGEST + "0"},
            {"Webhook-Auth": "\ud800"},
            {"Webhook-Auth": hashlib.sha256(b"").hexdigest()},
            {"Webhook-Auth": hashlib.sha256(DIGEST.encode()).hexdigest()},
            {"Webhook_Auth": DIGEST},
            {"Authorization": DIGEST},
            [("Webhook-Auth", DIGEST), ("webhook-auth", DIGEST)],
            [("Webhook-Auth", "x"), ("webhook-auth", DIGEST)],
            [("Webhook-Auth",)],
            [None],
        ],
    )
    def test_odd_headers(self, headers):
        """Without exactly one header with exactly the digest it is rejected."""
        assert is_refused(lambda: CALLBACKS.webhook(headers, ECHO))

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{}",
            b"[]",
            b"null",
            b'{"echo": null}',
            b'{"echo": ["x"]}',
            b'{"data": null}',
            b'{"data": {}}',
            b'{"data": {"type": "users", "id": "1"}}',
            b'{"data": {"type": ["users"], "id": "1"}}',
            b'{"data": {"type": "work_order_requests", "id": "1"}}',
            b'{"data": [' + ORDER[12:] + b"]}",
            b'{"echo": "a", "echo": "b"}',
            ORDER.replace(b'"included"', b'"data": {}, "included"'),
            None,
            "text",
        ],
    )
    def test_odd_bodies(self, body):
        """With the right header but another body it is rejected."""
        assert is_refused(lambda: CALLBACKS.webhook(signed(), body))


class TestKeys:
    @pytest.mark.parametrize("keys", [[""], [KEY, ""], [None], [b"k"], [7]])
    def test_odd_keys(self, keys):
        """An empty key would accept everybody: it is rejected."""
        with pytest.raises(UsageError):
            Callbacks(keys)

    @pytest.mark.parametrize("read", [lambda c: c.payment(posted()), lambda c: c.webhook(signed(), ECHO)])
    def test_no_key(self, read):
        """Without a key no callback can be verified, which is a usage error."""
        with pytest.raises(UsageError) as caught:
            read(Callbacks([]))

        assert "BITEX_API_KEY" in str(caught.value)

    def test_the_clients_own(self):
        """A client reads callbacks with its own key and the additional ones."""
        bitex = Bitex(api_key=KEY, callback_keys=[OLD_KEY])

        assert [1, 1] == [bitex.callbacks.payment(posted(key)).id for key in (KEY, OLD_KEY)]
        assert is_refused(lambda: bitex.callbacks.payment(posted("other")))

    def test_in_the_environment(self, monkeypatch):
        """A key from the environment counts as the client's own."""
        monkeypatch.setenv("BITEX_API_KEY", KEY)

        assert 1 == Bitex().callbacks.payment(posted()).id

    def test_print_without_keys(self):
        """Neither the keys nor their digests are in the repr."""
        assert "Callbacks(2 keys)" == repr(CALLBACKS)

    @pytest.mark.parametrize(
        "read",
        [
            lambda: CALLBACKS.payment(posted(payment=None)),
            lambda: CALLBACKS.payment(posted()[:-1]),
            lambda: CALLBACKS.webhook(signed(), b"{}"),
        ],
    )
    def test_tracebacks(self, read):
        """A traceback with the locals of every frame of the library shows neither the key nor its digest."""
        with pytest.raises(CallbackRejected) as caught:
            read()
        lines = traceback.TracebackException.from_exception(caught.value, capture_locals=True).format()
        shown = "".join(text for text in lines if "/exchanges/bitex/" in text)

        assert ("callbacks.py" in shown, [w for w in (KEY, OLD_KEY, DIGEST) if w in shown]) == (True, [])


class TestStrictJson:
    @pytest.mark.parametrize(
        "body",
        [
            b'{"a": 1, "a": 1}',
            b'{"a": 1, "\\u0061": 2}',
            b'[{"x": {"a": 1, "b": 2, "a": 3}}]',
            b'{"a": NaN}',
            b'{"a": Infinity}',
            b'{"a": -Infinity}',
            b'{"a": 1,}',
            b'{"a": 01}',
            b'{"a": "\\ud800"}',
            b"{'a': 1}",
            b'{"a": 1} {}',
            b'{"a": 1}//',
            b'{"a": "\n"}',
            b"\xef\xbb\xbf{}",
        ],
    )
    def test_refused(self, body):
        """Duplicate keys, and what only lenient parsers accept, are rejected."""
        with pytest.raises(Deviation):
            read_strictly(body, max_bytes=10_000)

    def test_equal_keys_of_different_objects(self):
        """A key may occur in several objects."""
        assert [{"a": 1}, {"a": {"a": 2}}] == read_strictly(b'[{"a": 1}, {"a": {"a": 2}}]', max_bytes=100)

    def test_exact_numbers(self):
        """Numbers keep every digit."""
        assert [Decimal("0.10000000000000000001")] == read_strictly(b"[0.10000000000000000001]", max_bytes=100)


class TestConfirming:
    @in_virtual_time
    async def test_a_payment(self):
        """The exchange, not the callback, determines the state of a payment."""
        settled = {
            **PAYMENT,
            "status": "settled",
            "address": {**PAYMENT["address"], "payment_id": 1},
        }
        script = Script.of(answer(settled))
        async with Bitex(api_key=KEY, transport=script, limits=None) as bitex:
            payment = await bitex.confirm(bitex.callbacks.payment(posted()))

        assert ("settled", ["GET /api-v1/rest/private/payments/1"]) == (payment.status, list(script.paths))

    @in_virtual_time
    async def test_a_work_order(self):
        """A work order is read from the exchange."""
        script = Script.of(answer(json.loads(ORDER)))
        async with Bitex(api_key=KEY, transport=script, limits=None) as bitex:
            order = await bitex.confirm(bitex.callbacks.webhook(signed(), ORDER))

        assert (1, ["GET /api-v1/rest/reseller/work_order_requests/1"]) == (order.id, list(script.paths))

    @in_virtual_time
    async def test_a_profile(self):
        """A profile is read from the exchange, by a reseller as its user."""
        row = [7, *[None] * 13, False, False, "small", None]
        script = Script.of(answer(row))
        async with Bitex(api_key=KEY, transport=script, limits=None) as bitex:
            update = bitex.callbacks.webhook(signed(), profile(accepted_usage_tier="small"))
            confirmed = await bitex.as_user(5).confirm(update)

        assert (7, None) == (confirmed.id, confirmed.accepted_usage_tier)
        assert ["GET /api-v1/rest/private/kyc_profiles/7"] == list(script.paths)
        assert "5" == script.came[0].request.url.params["as_user"]

    @pytest.mark.parametrize("callback", [PaymentUpdate(), WebhookEcho(echo="x"), None])
    @in_virtual_time
    async def test_nothing_to_ask_for(self, callback):
        """A callback without an id, and an echo, cannot be read from the exchange."""
        async with Bitex(api_key=KEY, transport=Script.of()) as bitex:
            with pytest.raises(UsageError):
                await bitex.confirm(callback)
