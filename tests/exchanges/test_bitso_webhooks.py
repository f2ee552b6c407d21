"""Webhooks of Bitso: what proves that one comes from the exchange, and what does not."""

import asyncio
import base64
import json
from decimal import Decimal

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from exchanges import Bitso
from exchanges.bitso import deliveries
from exchanges.errors import CallbackRejected, DecodeError, ReadFailed, UsageError
from tests.support.scripted_transport import Script, answer
from tests.support.virtual_time import in_virtual_time

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
WEAK = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - refused here
WITHDRAWAL = {
    "wid": "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
    "status": "complete",
    "created_at": "2026-02-03T10:11:12+00:00",
    "currency": "xrp",
    "method": "rp",
    "method_name": "Ripple",
    "amount": "25.00",
    "details": {"destination_tag": "12345"},
}
COMPACT = json.dumps(WITHDRAWAL, separators=(",", ":")).encode()
SPACED = json.dumps(WITHDRAWAL).encode()


def listed(key, key_id="k-1", names=("key_id", "public_key")):
    """Return a key as the exchange lists it."""
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return dict(zip(names, (key_id, base64.b64encode(der).decode()), strict=True))


def body_of(payload=SPACED, event="withdrawal"):
    """Return what is posted."""
    return b'{"event": "' + event.encode() + b'", "payload": ' + payload + b"}"


def headers_of(signed, key=KEY, key_id="k-1"):
    """Return the headers with the signature of *signed*."""
    signature = base64.b64encode(key.sign(signed, PKCS1v15(), SHA256())).decode()
    return {"X-Bitso-Webhook-Event-Signature": signature, "x-bitso-key-id": key_id}


async def read(body, headers, *, keys=None, script=None):
    """Read a webhook by a client to which *keys* are listed."""
    script = script or Script.of(answer(keys or [listed(KEY)]))
    async with Bitso(transport=script, limits=None) as bitso:
        return await bitso.webhooks.read(raw_body=body, headers=headers)


@in_virtual_time
@pytest.mark.parametrize("form", [SPACED, COMPACT, body_of()], ids=["as it stands", "compact", "the whole body"])
async def test_forms_of_the_signed_bytes(form):
    """The payload as it stands, in compact form, or the whole body may be what is signed."""
    delivery = await read(body_of(), headers_of(form))

    assert ("withdrawal", Decimal("25.00"), "12345") == (
        delivery.event,
        delivery.payload.amount,
        delivery.payload.details["destination_tag"],
    )


@in_virtual_time
@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (body_of(), {}),
        (body_of(), headers_of(SPACED, OTHER)),
        (body_of(), headers_of(SPACED, key_id="k-2")),
        (body_of(SPACED.replace(b"25.00", b"95.00")), headers_of(SPACED)),
        (body_of(), headers_of(b"")),
        (body_of(), headers_of(json.dumps(WITHDRAWAL, indent=2).encode())),
        (body_of()[:-1] + b', "payload": ' + SPACED.replace(b"25.00", b"95.00") + b"}", headers_of(SPACED)),
        (b'{"event": "withdrawal"}', headers_of(b'{"event": "withdrawal"}')),
        (b"[]", headers_of(b"[]")),
        (b"", headers_of(b"")),
        (body_of(event="funding"), headers_of(SPACED)),
        (body_of(event="payout"), headers_of(SPACED)),
        (body_of(body_of(), "anything"), headers_of(body_of())),
        (body_of(b"{}", "x" * 101), headers_of(b"{}")),
        (body_of(b'{"wid": ""}'), headers_of(b'{"wid": ""}')),
        (body_of(), {**headers_of(SPACED), "x-bitso-webhook-event-signature": "x"}),
        (body_of(), [*headers_of(SPACED).items(), ("X-BITSO-KEY-ID", "k-1")]),
        (body_of(), {**headers_of(SPACED), "X-Bitso-Webhook-Event-Signature": "!!!"}),
        (body_of().decode(), headers_of(SPACED)),
        (body_of(), 5),
        (body_of() + b" " * deliveries.MAX_BYTES, headers_of(SPACED)),
    ],
)
async def test_what_is_no_proof(body, headers):
    """Nothing but the bytes that the exchange signed, named as what they are, is accepted."""
    with pytest.raises(CallbackRejected):
        await read(body, headers)


@in_virtual_time
@pytest.mark.parametrize(
    "signature",
    [
        KEY.sign(SPACED, PSS(MGF1(SHA256()), PSS.MAX_LENGTH), SHA256()),
        KEY.sign(SPACED, PKCS1v15(), SHA1()),  # noqa: S303 - refused here
    ],
    ids=["PSS", "SHA-1"],
)
async def test_other_signatures(signature):
    """A signature of another kind by the right key is no proof."""
    headers = headers_of(SPACED) | {"X-Bitso-Webhook-Event-Signature": base64.b64encode(signature).decode()}
    with pytest.raises(CallbackRejected):
        await read(body_of(), headers)


@in_virtual_time
@pytest.mark.parametrize(
    "keys",
    [[listed(KEY, names=("keyId", "publicKey"))], [listed(OTHER, "k-0"), listed(KEY)]],
    ids=["the other spelling", "two keys"],
)
async def test_lists_of_keys(keys):
    """Both spellings of a key are read, bare or in an envelope."""
    for content in (keys, {"success": True, "payload": keys}):
        delivery = await read(body_of(), headers_of(SPACED), script=Script.of(answer(content)))

        assert "withdrawal" == delivery.event


@in_virtual_time
@pytest.mark.parametrize(
    "key",
    [
        listed(WEAK),
        listed(ec.generate_private_key(ec.SECP256R1())),
        {"key_id": "k-1", "public_key": "!"},
        {"key_id": "k-1", "public_key": "AAAA"},
    ],
    ids=["1024 bits", "no RSA", "no base64", "no key"],
)
async def test_keys_that_verify_nothing(key):
    """A key that is too short, of another kind, or none at all verifies nothing."""
    with pytest.raises(CallbackRejected):
        await read(body_of(), headers_of(SPACED, WEAK), keys=[key])


@in_virtual_time
@pytest.mark.parametrize("nothing", [[], {"success": True, "payload": []}])
async def test_a_list_without_keys(nothing):
    """Who signs has a key: a list of none is an answer that went wrong, and makes no webhook a forgery."""
    async with Bitso(transport=Script.of(answer(nothing)), limits=None) as bitso:
        for error in (DecodeError, ReadFailed):
            with pytest.raises(error):
                await bitso.webhooks.read(raw_body=body_of(), headers=headers_of(SPACED))


@in_virtual_time
async def test_keys_are_kept():
    """Keys are read once; one that is not known makes them be read again, at most once a minute."""
    script = Script.of(answer([listed(KEY)]), answer([listed(KEY), listed(OTHER, "k-2")]))
    async with Bitso(transport=script, limits=None) as bitso:

        async def reading(key_id, key):
            return await bitso.webhooks.read(raw_body=body_of(), headers=headers_of(SPACED, key, key_id))

        for _ in range(3):
            await asyncio.gather(reading("k-1", KEY), reading("k-1", KEY))
        assert 1 == len(script.came)
        for _ in range(3):
            with pytest.raises(CallbackRejected):
                await reading("k-2", OTHER)
        assert 1 == len(script.came)
        await asyncio.sleep(deliveries.REFETCH_SECONDS)
        await asyncio.gather(*(reading("k-2", OTHER) for _ in range(3)))

    assert 2 == len(script.came)


@in_virtual_time
@pytest.mark.parametrize(("is_whole", "event"), [(False, None), (True, "payout.completed")])
async def test_events_of_other_products(is_whole, event):
    """An event of another product is handed out as plain JSON, and named if the signature covers its name."""
    payload = b'{"id": 7, "status": "failed"}'
    body = body_of(payload, "payout.completed")
    delivery = await read(body, headers_of(body if is_whole else payload))

    assert (event, "payout.completed") == (delivery.event, delivery.claimed_event)
    assert {"id": 7, "status": "failed"} == delivery.payload
    assert "7" not in repr(delivery)


@in_virtual_time
async def test_keys_that_could_not_be_read():
    """A genuine webhook is not called a forgery while the keys cannot be read, and is accepted when they can."""
    script = Script.of(*[answer({}, 503)] * 3, answer([listed(KEY)]))
    async with Bitso(transport=script, limits=None) as bitso:

        async def reading(key_id="k-1"):
            return await bitso.webhooks.read(raw_body=body_of(), headers=headers_of(SPACED, key_id=key_id))

        with pytest.raises(ReadFailed):
            await reading()
        for _ in range(2):
            with pytest.raises(ReadFailed, match="could not be read"):
                await reading()
        came = len(script.came)
        await asyncio.sleep(deliveries.REFETCH_SECONDS)
        assert "withdrawal" == (await reading()).event
        with pytest.raises(CallbackRejected):
            await reading("k-2")

    assert came + 1 == len(script.came)


@in_virtual_time
async def test_without_the_extra(monkeypatch):
    """Without the extra the error names it."""
    monkeypatch.setattr(deliveries, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"aioexchanges\[webhooks\]"):
        await read(body_of(), headers_of(SPACED))
