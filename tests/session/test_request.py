import json
from decimal import Decimal

import pytest

from exchanges import Bitso, Bitstamp, Incomplete, Kind
from exchanges.errors import DecodeError, NotFound, OutcomeUnknown, UnresolvedOutcome, UsageError
from exchanges.state import FileState
from tests.support.scripted_transport import Script, answer, refusal
from tests.support.virtual_time import in_virtual_time

from .test_session import fourth

MONEY, READ, WRITE, CANCEL, IDEMPOTENT = Kind.MONEY, Kind.READ, Kind.WRITE, Kind.CANCEL, Kind.IDEMPOTENT
CREDENTIALS = {"api_key": "key", "api_secret": "secret"}
LOST = {"verb": "POST", "path": "/wd/1", "kind": MONEY}
ARGUMENTS = {"amount": Decimal("1.50"), "to": {"bank": "ABC", "numbers": [7, "x"]}, "fast": True}


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
async def test_a_kind_as_text():
    """The kind may be given as its text; it decides the same."""
    async with fourth(script := Script.of(answer({}))) as client:
        with pytest.raises(OutcomeUnknown):
            await client.request("POST", "/new", kind="money")
        await client.request("GET", "/new", kind="read")

    assert 2 == len(script.came)


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


@pytest.mark.parametrize(
    "other",
    [
        {"path": "/wd/1/"},
        {"path": "/WD/1"},
        {"kind": WRITE},
        {"kind": IDEMPOTENT},
        {"kind": READ},
        {"signed": True},
        {"arguments": {"to": ARGUMENTS["to"], "fast": True, "amount": "1.5"}},
        {"arguments": ARGUMENTS | {"amount": "01.500"}},
        {"arguments": ARGUMENTS | {"to": {"numbers": ["7", "x"], "bank": "abc"}}},
        {"arguments": ARGUMENTS | {"to": '{"numbers": [7, "x"], "bank": "ABC"}'}},
        {"arguments": ARGUMENTS | {"to": ARGUMENTS["to"] | {"branch": None}}},
        {"arguments": ARGUMENTS | {"fast": "true", "note": None, "memo": ""}},
    ],
)
@pytest.mark.parametrize("kind", [MONEY, WRITE])
@in_virtual_time
async def test_the_same_call_again(kind, other):
    """While its outcome is unknown the same call is refused, of whatever kind and however it is written."""
    async with fourth(script := Script.of(answer({}), answer())) as client:
        with pytest.raises(OutcomeUnknown) as caught:
            await client.request(**LOST | {"arguments": ARGUMENTS, "kind": kind})
        with pytest.raises(UnresolvedOutcome, match="Look at the exchange, then") as again:
            await client.request(**LOST | {"arguments": ARGUMENTS, "kind": kind} | other)

        assert caught.value.intent == again.value.intent
    assert 1 == len(script.came)


@pytest.mark.parametrize(
    "other",
    [
        {"verb": "PUT"},
        {"path": "/wd/2"},
        {"path": "/wd"},
        {"arguments": ARGUMENTS | {"amount": "1.51"}},
        {"arguments": ARGUMENTS | {"amount": 15}},
        {"arguments": ARGUMENTS | {"fast": False}},
        {"arguments": ARGUMENTS | {"to": {"bank": "ABC", "numbers": ["x", 7]}}},
        {"arguments": {}},
    ],
)
@in_virtual_time
async def test_another_call(other):
    """A call that does something else is sent."""
    async with fourth(script := Script.of(answer({}), answer())) as client:
        with pytest.raises(OutcomeUnknown):
            await client.request(**LOST, arguments=ARGUMENTS)
        await client.request(**LOST | {"arguments": ARGUMENTS} | other)

    assert 2 == len(script.came)


@in_virtual_time
async def test_a_client_id():
    """The id that tells one order from its repetition is known by its name: a fresh one makes no other call."""
    order = {"amount": "1", "client_order_id": "one"}
    async with Bitstamp(transport=(script := Script.of(answer({}), answer())), **CREDENTIALS) as client:
        with pytest.raises(OutcomeUnknown):
            await client.request("POST", "/new/", kind=MONEY, arguments=order)
        with pytest.raises(UnresolvedOutcome):
            await client.request("POST", "/new/", kind=MONEY, arguments=order | {"client_order_id": "two"})
        with pytest.raises(UsageError, match="client_order_id='one' was used for an earlier call"):
            await client.request("POST", "/new/", kind=MONEY, arguments=order | {"amount": "2"})

    assert 1 == len(script.came)


@in_virtual_time
async def test_a_secret_argument():
    """What is secret in a declared call is neither kept nor shown under its name."""
    said = answer({"success": True, "payload": {"error": "no such CLABE 002115016003269411"}})
    async with Bitso(transport=Script.of(said), **CREDENTIALS) as client:
        with pytest.raises(OutcomeUnknown) as caught:
            await client.request("POST", "/new", kind=MONEY, arguments={"clabe": "002115016003269411", "amount": 1})

    assert {"clabe": "[redacted]", "amount": "1"} == caught.value.intent.arguments
    assert "002115016003269411" not in str(caught.value)


@in_virtual_time
async def test_an_intent_of_another_client():
    """The intent of an undeclared call is reconciled by a client of its account alone."""
    async with Bitso(transport=Script.of(answer({})), **CREDENTIALS) as client:
        with pytest.raises(OutcomeUnknown) as caught:
            await client.request("POST", "/new", kind=MONEY)
    async with Bitstamp(transport=Script.of(), **CREDENTIALS) as other:
        with pytest.raises(UsageError, match=r"key|server"):
            await other.reconcile(caught.value.intent)


async def test_what_the_journal_shows(tmp_path):
    """An unresolved call names verb and path in the journal, and after a restart; nothing finds what it did."""
    with FileState(tmp_path / "db") as state:
        async with fourth(Script.of(answer({})), state=state) as client:
            with pytest.raises(OutcomeUnknown):
                await client.request(**LOST, arguments=ARGUMENTS)
    with FileState(tmp_path / "db") as state:
        async with fourth(script := Script.of(), state=state) as client:
            (intent,) = client.unresolved
            verdict = await client.reconcile(intent)
            with pytest.raises(UnresolvedOutcome, match=r"fourth\.request POST /wd/1 at "):
                await client.request(**LOST, arguments=ARGUMENTS)
            exposure = client.unresolved.exposure("btc_mxn")
            client.unresolved.dismiss(intent)
            await client.request(**LOST, arguments=ARGUMENTS)

    assert isinstance(verdict, Incomplete)
    assert "look at the exchange, then dismiss it" in verdict.reason
    assert "fourth.request POST /wd/1" == intent.endpoint
    assert ({"amount": "1.50", "fast": "true"}, (intent,), False) == (
        {name: intent.arguments[name] for name in ("amount", "fast")},
        exposure.unplaced,
        exposure.is_complete,
    )
    assert 1 == len(script.came)


FAILED = [
    {"result": "error"},
    {"result": None},
    {"ok": False},
    {"ok": "false"},
    {"success": 0},
    {"status": "ERROR", "id": 7},
    {"status": "Failed"},
    {"id": 7, "error": "no funds"},
    {"data": [{"id": 7, "errorCode": 31}]},
    {"id": 7, "errors": {}},
    {"message": "Invalid amount"},
    {"order": {"id": 7, "state": "rejected"}},
    ["order not placed"],
    [{"ok": True}, {"ok": False}],
    {"id": 1, "status": "not_found"},
    {"id": 1, "state": "TIMED-OUT"},
    {"id": 1, "outcome": "unsuccessful"},
    {"id": 1, "result": "declined"},
    {"id": 1, "valid": False},
    {"id": 1, "err": "x"},
    {"id": 1, "fault": "x"},
    {"id": 1, "amount": float("nan")},
    {"id": 1, "amount": [float("-inf")]},
]


@pytest.mark.parametrize("said", FAILED)
@pytest.mark.parametrize("client_of", [Bitstamp, Bitso])
@in_virtual_time
async def test_an_answer_that_says_it_failed(client_of, said):
    """An answer that bears a sign of failure is no success, whatever the status is and in whatever envelope."""
    body = {"success": True, "payload": said} if client_of is Bitso else said
    async with client_of(transport=Script.of(answer(body), answer(body), answer(body)), **CREDENTIALS) as client:
        with pytest.raises(OutcomeUnknown):
            await client.request("POST", "/new/", kind=MONEY)
        with pytest.raises((DecodeError, OutcomeUnknown)):
            await client.request("DELETE", "/new/", kind=CANCEL)


@pytest.mark.parametrize(
    "said",
    [{"id": 7}, {"id": 7, "error": None, "status": "open", "default": "x"}, [{"id": 1, "message": ""}], ["7"]],
)
@in_virtual_time
async def test_an_answer_that_says_it_worked(said):
    """An answer that holds something, and no sign of failure, is a success."""
    async with Bitstamp(transport=Script.of(answer(said)), **CREDENTIALS) as client:
        assert said == await client.request("POST", "/new/", kind=MONEY)


@in_virtual_time
async def test_what_was_cancelled():
    """A cancel is done by what says so, and nothing else is."""
    said = {"id": 7, "status": "Cancelled"}
    async with Bitstamp(transport=Script.of(answer(said), answer(said)), **CREDENTIALS) as client:
        assert said == await client.request("DELETE", "/new/", kind=CANCEL)
        with pytest.raises(OutcomeUnknown):
            await client.request("POST", "/new/", kind=MONEY)


@pytest.mark.parametrize(("said", "is_answer"), [(True, True), ([], True), (False, False), (0, False), ("", False)])
@in_virtual_time
async def test_an_update_and_a_cancel(said, is_answer):
    """Of a call that may be repeated ``true`` and an empty list are answers as well; what says nothing is none."""
    async with fourth(Script.of(*[answer(said)] * 6)) as client:
        for kind in (IDEMPOTENT, CANCEL):
            try:
                assert (said, is_answer) == (await client.request("PUT", "/new", kind=kind), True)
            except (DecodeError, OutcomeUnknown):
                assert not is_answer


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
        ("GET", "/new", {"kind": "READ"}, "kind must be one of read, idempotent, cancel, write, money"),
        ("GET", "/new", {"kind": None}, "kind must be one of read"),
        ("GET", "/new", {"kind": ["read"]}, "kind must be one of read"),
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
