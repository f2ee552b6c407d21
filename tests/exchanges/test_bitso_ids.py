"""Answers of v3 that are about another id than the one that was asked for."""

import pytest

from exchanges import Bitso
from exchanges.errors import DecodeError, OutcomeUnknown, UsageError
from exchanges.state import MemoryState
from tests.support.scripted_transport import Script, answer, html
from tests.support.virtual_time import in_virtual_time

MOMENT = "2026-02-03T10:11:12Z"
ORDER = {"book": "btc_mxn", "side": "buy", "type": "limit", "status": "open", "created_at": MOMENT}
TRADE = {"book": "btc_mxn", "side": "buy", "price": "1", "major": "1", "minor": "-1", "created_at": MOMENT}
TRADE |= {"tid": "MINE", "oid": "MINE", "fees_amount": "0.1", "fees_currency": "btc"}
MOVED = {"status": "complete", "currency": "btc", "amount": "1", "method": "btc", "created_at": MOMENT}


def bitso(*payloads, **options):
    """Create a client whose calls are answered with payloads, one by one."""
    script = Script([answer({"success": True, "payload": payload}) for payload in payloads])
    return Bitso(transport=script, api_key="k", api_secret="s", limits=None, **options)


CALLS = {
    "order": (lambda client: client.trading.order("MINE"), lambda name: [ORDER | {"oid": name}]),
    "orders": (lambda client: client.trading.orders(oids=["MINE", "B"]), lambda name: [ORDER | {"oid": name}]),
    "order_trades": (lambda client: client.trading.order_trades("MINE"), lambda name: [TRADE | {"oid": name}]),
    "user_trade": (lambda client: client.trading.user_trade("MINE"), lambda name: [TRADE | {"tid": name}]),
    "funding": (lambda client: client.funding.funding("MINE"), lambda name: [MOVED | {"fid": name}]),
    "withdrawal": (lambda client: client.funding.withdrawal("MINE"), lambda name: [MOVED | {"wid": name}]),
    "cancel_order": (lambda client: client.trading.cancel_order("MINE"), lambda name: [name]),
    "cancel_orders": (lambda client: client.trading.cancel_orders(oids=["B", "MINE"]), lambda name: ["B", name]),
    "modify_order": (lambda client: client.trading.modify_order(oid="MINE", price=5), lambda name: {"oid": name}),
}


@pytest.mark.parametrize("name", CALLS)
async def test_another_id(name):
    """What is shown under another id is never returned as what was asked for."""
    call, payload = CALLS[name]
    async with bitso(payload("MINE")) as client:
        assert await call(client)
    async with bitso(payload("OTHER")) as client:
        with pytest.raises((DecodeError, OutcomeUnknown), match=r"does not match|may have been executed"):
            await call(client)


PLACE = {"book": "btc_mxn", "side": "buy", "order_type": "limit", "major": 1}
BY_CLIENT_ID = {
    "modify": (
        lambda client: client.trading.modify_order_by_origin_id(origin_id="x", price=5),
        lambda oid: {"oid": oid},
    ),
    "cancel": (lambda client: client.trading.cancel_orders(origin_ids=["x"]), lambda oid: [oid]),
    "cancel two": (lambda client: client.trading.cancel_orders(origin_ids=["x", "y"]), lambda oid: ["B", oid]),
}


@pytest.mark.parametrize("name", BY_CLIENT_ID)
async def test_another_order_than_the_one_of_the_clients_id(name):
    """What this client has placed under the client's id is known, and another id is no answer about it."""
    call, payload = BY_CLIENT_ID[name]

    async def placed(client):
        await client.trading.place_order(**PLACE, price=1, origin_id="x")
        await client.trading.place_order(**PLACE, price=2, origin_id="y")

    async with bitso({"oid": "A"}, {"oid": "B"}, payload("A")) as client:
        await placed(client)
        assert await call(client)
    async with bitso({"oid": "A"}, {"oid": "B"}, payload("OTHER")) as client:
        await placed(client)
        with pytest.raises((DecodeError, OutcomeUnknown), match="expected the id of what bears the client's id"):
            await call(client)


@pytest.mark.parametrize("name", BY_CLIENT_ID)
async def test_an_order_that_was_never_seen(name):
    """An id that this client knows nothing about is no answer, until a read has shown which client's id it bears."""
    call, payload = BY_CLIENT_ID[name]
    orders = [ORDER | {"oid": "A", "origin_id": "x"}, ORDER | {"oid": "B", "origin_id": "y"}]
    for read in ("open_orders", "orders"):
        async with bitso(payload("A"), orders, payload("A"), payload("OTHER"), state=MemoryState()) as client:
            with pytest.raises(OutcomeUnknown, match="expected the client's id, or an id that was shown with it"):
                await call(client)
            for intent in list(client.unresolved):
                client.unresolved.dismiss(intent)
            await getattr(client.trading, read)(**({"origin_ids": ["x", "y"]} if read == "orders" else {}))
            assert await call(client)
            with pytest.raises(OutcomeUnknown, match="expected the id of what bears the client's id"):
                await call(client)


@pytest.mark.parametrize("oid", ["A", "B"])
async def test_two_orders_of_one_clients_id(oid):
    """Of an id that two orders bear nobody knows which of them was cancelled."""
    orders = [ORDER | {"oid": name, "origin_id": "x"} for name in ("A", "B")]
    async with bitso(orders, [oid], []) as client:
        await client.trading.orders(origin_ids=["x"])
        with pytest.raises(OutcomeUnknown):
            await client.trading.cancel_orders(origin_ids=["x"])

        assert [] == await client.trading.cancel_orders(origin_ids=["x"])


WITHDRAWN = MOVED | {"wid": "W", "origin_id": "w"}
SPEI = {"clabe": "032180000118359719", "beneficiary": "José Pérez"}
RECEIVERS = {
    "address": ({"address": "3Ca", "network": "btc", "protocol": "btc"}, {"withdrawal_address": "3Ca"}),
    "tag": ({"address": "r1", "destination_tag": "7", "network": "rp", "protocol": "ripple"}, {"destination_tag": "7"}),
    "clabe": ({"clabe": "032180000118359719", "beneficiary": "A"}, {"beneficiary_clabe": "032180000118359719"}),
    "email": ({"email": "a@example.com"}, {"email": "A@Example.com"}),
    "details": ({"details": {"account": "77"}}, {"account": "77"}),
    "phone": ({"phone_number": "+52 (55) 1234-5678"}, {"phone": "5512345678"}),
    "phone by its own name": ({"phone_number": "+525512345678"}, {"phone_number": "+52 55 1234 5678"}),
    "refcode": ({"refcode": "abc1"}, {"refcode": "ABC1"}),
    "stored receiver": ({"contact_id": 77}, {"contact_id": 77}),
    "beneficiary": (SPEI, {"beneficiary_name": "JOSE PEREZ"}),
    "older account": (SPEI, {"receive_clabe": "032180000118359719"}),
    "reference": (SPEI | {"numeric_ref": "0080416"}, {"numeric_reference": "80416"}),
    "tax id": (SPEI | {"rfc": "MECD900601ENA"}, {"rfc": "mecd900601ena"}),
    "client's id": (SPEI, {"origin_id": "w"}),
}


@pytest.mark.parametrize("name", RECEIVERS)
async def test_another_receiver(name):
    """A withdrawal that is answered with another receiver is none that is known to have been asked for."""
    arguments, details = RECEIVERS[name]
    arguments = {"currency": "btc", "amount": 1, "origin_id": "w", **arguments}
    for shown in (details, {}, dict.fromkeys(details)):
        async with bitso(WITHDRAWN | {"details": shown}) as client:
            assert "W" == (await client.funding.create_withdrawal(**arguments)).wid
    async with bitso(WITHDRAWN | {"details": dict.fromkeys(details, "another")}) as client:
        with pytest.raises(OutcomeUnknown, match="does not match the request") as caught:
            await client.funding.create_withdrawal(**arguments)

        assert [1, False] == [len(client.unresolved), "another" in str(caught.value)]


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ({"email": "a@example.com"}, {"email": "a@example.com", "phone": "", "recipient_name": "A"}),
        ({"phone_number": "+5511912345678"}, {"phone": "11912345678"}),
        (SPEI | {"beneficiary": "Maximiliano Fernández de la Vega"}, {"beneficiary_name": "MAXIMILIANO FERNANDEZ"}),
        ({"address": "r1", "network": "rp", "protocol": "ripple"}, {"address": "r1", "withdrawal_address": "r1?dt=7"}),
    ],
)
async def test_the_same_receiver(sent, shown):
    """Exchanges leave out the country of a phone, drop accents of a name, and cut what is long."""
    async with bitso(WITHDRAWN | {"details": shown}) as client:
        assert "W" == (await client.funding.create_withdrawal(currency="btc", amount=1, origin_id="w", **sent)).wid


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ({"phone_number": "+525512345678"}, {"phone": "+15512345678"}),
        ({"phone_number": "+525512345678"}, {"phone": "678"}),
        (SPEI, {"beneficiary_name": "Jose Perez Ruiz"}),
        (SPEI, {"beneficiary_clabe": "032180000118359719", "receive_clabe": "032180000118359720"}),
        ({"address": "r1", "network": "rp", "protocol": "ripple"}, {"address": "r1", "withdrawal_address": "r2"}),
        ({"email": "a@example.com"}, {"email": "a@example.com", "origin_id": "v"}),
    ],
)
async def test_a_receiver_that_looks_the_same(sent, shown):
    """Neither a part of a number or of a short name is the whole, nor one of two that contradict each other."""
    async with bitso(WITHDRAWN | {"details": shown}) as client:
        with pytest.raises(OutcomeUnknown, match="does not match the request"):
            await client.funding.create_withdrawal(currency="btc", amount=1, origin_id="w", **sent)


async def test_ids_that_change_between_two_looks():
    """A list of a class of the caller's own is read once: what is checked is what is sent."""

    class Changing(list):
        looks = 0

        def __iter__(self):
            self.looks += 1
            return iter(["MINE"] if self.looks == 1 else ["a,b", "OTHER"])

    async with bitso(["MINE"]) as client:
        assert ["MINE"] == await client.trading.cancel_orders(oids=Changing(["x"]))
    async with bitso() as client:
        with pytest.raises(UsageError, match="must hold ids"):
            await client.trading.cancel_orders(oids=["MINE", 5])


@in_virtual_time
@pytest.mark.parametrize("doubt", [[], [html(502)]])
async def test_a_cancel_that_finds_nothing_at_last(doubt):
    """After an attempt without an answer an empty list says nothing: that attempt may have cancelled the order."""
    script = Script.of(*doubt, answer({"success": True, "payload": []}))
    async with Bitso(transport=script, api_key="k", api_secret="s", limits=None) as client:
        if doubt:
            with pytest.raises(OutcomeUnknown, match="an earlier attempt may have done it"):
                await client.trading.cancel_order("MINE")
        else:
            assert [] == await client.trading.cancel_order("MINE")


async def test_two_where_one_is_meant():
    """Of two orders under one id none is returned."""
    async with bitso([ORDER | {"oid": "MINE"}, ORDER | {"oid": "MINE", "status": "cancelled"}]) as client:
        with pytest.raises(DecodeError, match="a list of one, found 2"):
            await client.trading.order("MINE")


async def test_long_answers():
    """Rows that are too many to be read at once show neither that there is no such order nor that one was made."""
    rows = [ORDER | {"oid": f"X{number}"} for number in range(3000)]
    async with bitso(rows, {"oid": "A", "more": [[]] * 40_000}) as client:
        with pytest.raises(DecodeError, match="an answer with fewer values"):
            await client.trading.order("MINE")
        with pytest.raises(OutcomeUnknown, match="an answer with fewer values"):
            await client.trading.place_order(**PLACE, price=1)
