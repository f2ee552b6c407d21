import json
from decimal import Decimal

import pytest

from exchanges import Bitso, Kind
from exchanges.errors import NotFound, OutcomeUnknown, UnresolvedOutcome, UsageError
from tests.support.scripted_transport import Script, answer, refusal
from tests.support.virtual_time import in_virtual_time

from .test_session import fourth

MONEY, READ = Kind.MONEY, Kind.READ


@in_virtual_time
async def test_a_read():
    """A call of an endpoint that nobody declares is signed, and returns plain JSON with exact numbers."""
    script = Script.of(answer({"total": 1, "rows": [0.1]}))
    async with fourth(script) as client:
        found = await client.request("GET", "/new/things", kind=READ, arguments={"state": "open", "page": 2})
    request = script.came[0].request

    assert {"total": 1, "rows": [Decimal("0.1")]} == found
    assert "https://fourth.example/api/new/things?state=open&page=2" == str(request.url)
    assert "X-Signature" in request.headers


@in_virtual_time
async def test_a_public_call():
    """A call that needs no credentials is not signed, and counts against the public limit."""
    script = Script.of()
    async with fourth(script) as client:
        await client.request("GET", "/new", kind=READ, signed=False)

        assert 99 == client.limits["fourth open"].free
    assert "X-Signature" not in script.came[0].request.headers


@in_virtual_time
async def test_the_body():
    """Arguments travel as the API has them, an amount with every digit."""
    script = Script.of()
    async with fourth(script) as client:
        await client.request("POST", "/new", kind=MONEY, arguments={"amount": Decimal("1.50"), "to": {"a": [1, True]}})

    assert {"amount": "1.50", "to": {"a": [1, True]}} == json.loads(script.came[0].request.content)


@in_virtual_time
async def test_a_refusal():
    """A refusal is judged like that of any call."""
    async with fourth(Script.of(refusal("missing", 404))) as client:
        with pytest.raises(NotFound, match=r"fourth\.request \(GET /new at fourth\.example\)"):
            await client.request("GET", "/new", kind=READ)


@pytest.mark.parametrize("said", [None, True, "ok", 0, [], {}, ""])
@in_virtual_time
async def test_an_answer_that_proves_nothing(said):
    """Of a call that is never repeated only an object or a list that holds something proves that it was executed."""
    script = Script([lambda _: answer(said) if said is not None else answer_null()])
    async with fourth(script) as client:
        with pytest.raises(OutcomeUnknown) as caught:
            await client.request("POST", "/new", kind=MONEY, arguments={"amount": 1})
        with pytest.raises(UnresolvedOutcome):
            await client.request("POST", "/new", kind=MONEY, arguments={"amount": 1})

        assert [caught.value.intent] == list(client.unresolved)
    assert 1 == len(script.came)


def answer_null():
    """Return an answer of null."""
    made = answer({})
    made._content = b"null"
    return made


@pytest.mark.parametrize(
    ("verb", "path", "options", "words"),
    [
        ("get", "/new", {}, "the verb must be one of GET"),
        ("GET", "new", {}, "begin with a slash"),
        ("GET", "/new?a=1", {}, "no query"),
        ("GET", "/new/../orders", {}, "must be plain"),
        ("GET", "/new//orders", {}, "must be plain"),
        ("GET", "/new\n", {}, "must be plain"),
        ("GET", "/%6Eew", {}, "must be plain"),
        ("GET", None, {}, "must be plain"),
        ("GET", "/new", {"kind": "read"}, r"kind must be a member of exchanges\.Kind"),
        ("GET", "/new", {"arguments": {"a": 0.5}}, "arguments .*must be a str, not float"),
        ("GET", "/new", {"arguments": {"a": "b\n"}}, "control characters"),
        ("GET", "/new", {"arguments": 7}, "arguments"),
        ("POST", "/orders", {"kind": MONEY}, r"POST /orders is declared as fourth\.trading\.create_order; call that"),
        ("POST", "/Orders/7/cancel/", {"kind": READ}, r"is declared as fourth\.trading\.cancel; call that"),
    ],
)
@in_virtual_time
async def test_wrong_arguments(verb, path, options, words):
    """What is wrong is named, and nothing is sent; a declared call is not evaded."""
    async with fourth(script := Script.of()) as client:
        with pytest.raises(UsageError, match=words):
            await client.request(verb, path, **{"kind": READ, **options})

    assert [] == script.came


@in_virtual_time
async def test_without_credentials():
    """A signed call needs credentials."""
    async with Bitso(transport=Script.of()) as client:
        with pytest.raises(UsageError, match=r"bitso\.request"):
            await client.request("GET", "/new", kind=READ)


@in_virtual_time
async def test_the_current_api():
    """Of the APIs of an exchange it is the current one: v3 at Bitso, where orders are declared."""
    script = Script.of(answer({"success": True, "payload": {"a": 1}}))
    async with Bitso(transport=script, api_key="key", api_secret="secret") as client:
        await client.request("GET", "/new", kind=READ)
        with pytest.raises(UsageError, match=r"bitso\.trading\.place_order"):
            await client.request("POST", "/orders", kind=MONEY)

    assert ["https://bitso.com/api/v3/new"] == [str(came.request.url) for came in script.came]
