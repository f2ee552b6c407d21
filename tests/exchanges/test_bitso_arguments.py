"""Arguments of Bitso: names of one thing, and what a method of withdrawal fills in and demands."""

from decimal import Decimal

import pytest

from exchanges import Bitso
from exchanges.bitso.funding import Funding
from exchanges.bitso.models.funding import MethodCurrency, WithdrawalMethod
from exchanges.bitso.trading import Trading
from exchanges.bitso.v2.trading import Trading as TradingV2
from exchanges.endpoint.call import prepare
from exchanges.errors import UsageError
from exchanges.outcomes.search import Read
from exchanges.wire import loads
from tests.support.scripted_transport import Script, answer

ORDER = {"book": "btc_mxn", "side": "buy", "order_type": "limit", "major": "1", "price": "5"}
WITHDRAWAL = {"currency": "btc", "amount": "1", "address": "A", "network": "btc", "protocol": "btc"}
MADE = {"wid": "W", "status": "pending", "currency": "btc", "amount": "1", "method": "btc"}
MADE |= {"created_at": "2026-02-03T10:11:12Z"}
METHOD = WithdrawalMethod(
    method="btc",
    network="net",
    protocol="prot",
    integration="int",
    required_fields=("address",),
    currency_configurations=(MethodCurrency(currency="btc", asset="coin"),),
)


def digest(method, **arguments):
    """Return the digest of a call: equal for calls that would do the same."""
    return prepare(Read.of(method).endpoint, arguments, "https://x.test").digest


@pytest.mark.parametrize(
    ("method", "arguments", "changes", "is_twin"),
    [
        (Trading.place_order, ORDER, {"book": "BTC_MXN"}, True),
        (Trading.place_order, ORDER, {"time_in_force": "goodtillcancelled"}, True),
        (Trading.place_order, ORDER, {"time_in_force": "postonly"}, False),
        (Trading.place_order, ORDER, {"book": "eth_mxn"}, False),
        (Funding.create_withdrawal, WITHDRAWAL, {"currency": "BTC"}, True),
        (Funding.create_withdrawal, WITHDRAWAL, {"currency": "eth"}, False),
        (TradingV2.sell, {"amount": "1", "price": "5"}, {"book": "BTC_MXN"}, True),
        (TradingV2.sell, {"amount": "1", "price": "5"}, {"book": "eth_mxn"}, False),
    ],
)
def test_names_of_one_thing(method, arguments, changes, is_twin):
    """Calls that differ in nothing but the name of one thing would do the same."""
    assert is_twin == (digest(method, **arguments) == digest(method, **arguments | changes))


XRP = {"currency": "xrp", "amount": 1, "address": "r1", "network": "rp", "protocol": "ripple"}


def sent(**arguments):
    """Return what a withdrawal of XRP would send."""
    return loads(prepare(Read.of(Funding.create_withdrawal).endpoint, XRP | arguments, "https://x.test").render().body)


@pytest.mark.parametrize(
    ("given", "travels"), [(0, "0"), ("007", "007"), (4294967295, "4294967295"), ("memo 1", "memo 1")]
)
def test_tags(given, travels):
    """A tag is a number or text, of which no digit is lost."""
    assert travels == sent(destination_tag=given)["destination_tag"]


@pytest.mark.parametrize(
    "changes",
    [
        {"destination_tag": ""},
        {"destination_tag": " 1"},
        {"destination_tag": True},
        {"destination_tag": 1.5},
        {"destination_tag": 1, "network": "btc", "protocol": "btc"},
        {"destination_tag": 1, "network": "eth", "protocol": "ERC20"},
        {"destination_tag": 1, "address": None},
        {"destination_tag": 1, "address": None, "email": "a@example.com"},
    ],
)
def test_tags_that_would_lose_coins(changes):
    """A tag that is empty, without an address, or of a coin that has none is refused before anything is sent."""
    with pytest.raises(UsageError, match="nothing was sent"):
        sent(**changes)


async def withdraw(**arguments):
    """Withdraw by METHOD, and return what was sent."""
    script = Script.of(answer({"success": True, "payload": MADE}))
    async with Bitso(transport=script, api_key="k", api_secret="s", limits=None) as bitso:
        await bitso.funding.create_withdrawal(currency="btc", amount=1, method=METHOD, **arguments)
    return loads(script.came[0].request.content)


@pytest.mark.parametrize("names", [{}, dict.fromkeys(("asset", "network", "protocol", "integration"))], ids=str)
async def test_a_method_fills_in_its_names(names):
    """None stands for the name that the method has, as if nothing was passed."""
    sent = await withdraw(address="A", **names)
    assert ("coin", "net", "prot", "int") == (sent["asset"], sent["network"], sent["protocol"], sent["integration"])


@pytest.mark.parametrize("receiver", [{}, {"address": ""}, {"address": " "}, {"details": {"address": ""}}], ids=str)
async def test_a_required_argument_that_says_nothing(receiver):
    """An empty text is no receiver."""
    with pytest.raises(UsageError, match="needs address"):
        await withdraw(clabe=None, refcode="r", **receiver)


@pytest.mark.parametrize("number", ["NaN", "sNaN", "Infinity", "-Infinity"])
async def test_numbers_that_are_none(number):
    """What is no finite number is not sent, however deep it is hidden."""
    with pytest.raises(UsageError, match="finite"):
        await withdraw(address="A", details={"limits": [{"most": Decimal(number)}]})
