"""Answers about another object that is close to the one that was named: of another class, or under a similar name."""

import json

import pytest

from exchanges import Bitex, Bitso
from exchanges.errors import DecodeError, OutcomeUnknown
from exchanges.state import MemoryState
from tests.support.scripted_transport import Script, answer

MOMENT = "2026-02-03T10:11:12Z"
BID = [1, 5, 946685400, 1, 100, 10, 1000, 3, 0, 1, "ApiKey#1", 0]
ASK = [2, *BID[1:]]
KEYS = {"api_key": "k", "limits": None}


def bitex(said):
    """Create a client that is answered once."""
    return Bitex(transport=Script.of(answer(said)), state=MemoryState(), **KEYS)


def bitso(payload):
    """Create a client that is answered once."""
    script = Script.of(answer({"success": True, "payload": payload}))
    return Bitso(transport=script, state=MemoryState(), api_secret="s", **KEYS)


@pytest.mark.parametrize("reference", [2, 0, -1, None, [1], {}])
async def test_an_ask_with_the_number_of_a_bid(reference):
    """It is neither the bid that was read nor the one that was cancelled."""
    async with bitex([reference, *BID[1:]]) as client:
        with pytest.raises(DecodeError, match="class reference 1"):
            await client.trading.bid(5)
    async with bitex([reference, *BID[1:]]) as client:
        with pytest.raises(OutcomeUnknown, match="class reference 1"):
            await client.trading.cancel_bid(5)


@pytest.mark.parametrize(
    ("status", "is_leaving"), [(1, False), (2, False), (3, True), (4, True), (5, True), (9, False)]
)
async def test_an_order_that_stays(status, is_leaving):
    """An order that is shown as received or in the book was not cancelled."""
    for cancel, row in (("cancel_bid", BID), ("cancel_ask", ASK)):
        async with bitex([*row[:7], status, *row[8:]]) as client:
            try:
                found = await getattr(client.trading, cancel)(5)
            except OutcomeUnknown:
                assert not is_leaving
            else:
                assert (True, status) == (is_leaving, found.status)


@pytest.mark.parametrize("shown", ["ab3d", "AB3D", "aB3d "])
async def test_ids_that_differ_in_case(shown):
    """An id of Bitso in other letters is another id."""
    async with bitso({"oid": shown}) as client:
        with pytest.raises((OutcomeUnknown, DecodeError)):
            await client.trading.modify_order(oid="aB3d", price=5)


TAXONOMY = {"network": "btc", "asset": "btc", "protocol": "btc", "integration": "x", "currency": "btc"}
CONTACT = {"contact_id": 1, "alias": "Cold", "currency": "btc", "created": MOMENT, "taxonomy": TAXONOMY}
ADDRESS = {"name": "Address", "key": "address", "value": "bc1q"}


@pytest.mark.parametrize(
    ("shown", "is_right"),
    [
        ({}, True),
        ({"details": [ADDRESS]}, True),
        ({"details": [ADDRESS | {"value": "bc1z"}]}, False),
        ({"details": [ADDRESS, ADDRESS | {"value": "bc1z"}]}, False),
        ({"details": [ADDRESS, {"name": "Tag", "key": "tag", "value": "7"}]}, True),
        ({"taxonomy": None}, True),
        *[({"taxonomy": TAXONOMY | {name: "other"}}, False) for name in TAXONOMY],
    ],
)
async def test_another_stored_receiver(shown, is_right):
    """A receiver that is stored with another address or network would get what is sent to the contact later."""
    asked = {"alias": "Cold", "currency": "btc", "taxonomy": TAXONOMY, "details": {"address": "bc1q"}}
    async with bitso(CONTACT | shown) as client:
        if is_right:
            assert "1" == (await client.funding.create_contact(**asked)).contact_id
        else:
            with pytest.raises(OutcomeUnknown, match="does not match the request"):
                await client.funding.create_contact(**asked)


INSTRUCTION = {"payment_method": "x", "country": "UY", "account": "77"}


@pytest.mark.parametrize(
    ("body", "is_right"),
    [
        (INSTRUCTION, True),
        (json.dumps(INSTRUCTION), True),
        (INSTRUCTION | {"account": None, "more": 1}, True),
        (INSTRUCTION | {"account": "78"}, False),
        (INSTRUCTION | {"account": ["77"]}, False),
        (INSTRUCTION | {"country": "AR"}, False),
    ],
)
async def test_another_instruction(body, is_right):
    """An instruction that is stored with another account would pay somebody else."""
    async with bitex({"id": 1, "body": body, "created_at": 1_700_000_000}) as client:
        if is_right:
            assert 1 == (await client.funding.create_withdrawal_instruction(body=INSTRUCTION)).id
        else:
            with pytest.raises(OutcomeUnknown, match="does not match the request") as caught:
                await client.funding.create_withdrawal_instruction(body=INSTRUCTION)
            assert "78" not in str(caught.value)


QUOTE = {
    "id": "7316",
    "from_amount": "1000",
    "from_currency": "mxn",
    "to_amount": "0.01",
    "to_currency": "btc",
    "created": 1,
    "expires": 2,
    "rate": "5",
}


@pytest.mark.parametrize("wrong", [{"from_amount": "-1"}, {"rate": "-5"}, {"id": "0"}, {"id": "null"}])
async def test_a_quote_that_is_none(wrong):
    """A quote has an id, and no amount below zero."""
    asked = {"from_currency": "mxn", "to_currency": "btc", "receive_amount": "0.01"}
    async with bitso(QUOTE) as client:
        assert "7316" == (await client.conversions.create_quote(**asked)).id
    async with bitso(QUOTE | wrong) as client:
        with pytest.raises(OutcomeUnknown, match="does not match the request"):
            await client.conversions.create_quote(**asked)


@pytest.mark.parametrize(
    ("said", "is_right"), [("callback URL [https://Me.example/a] set", True), ("https://other", False)]
)
async def test_another_webhook(said, is_right):
    """The sentence must name the URL that was registered."""
    async with bitso(said) as client:
        if is_right:
            assert said == await client.webhooks.register("https://me.example/a/")
        else:
            with pytest.raises(OutcomeUnknown):
                await client.webhooks.register("https://me.example/a/")
