"""Each row of the table of errors is what comes out of the calls that it names."""

import asyncio
import re
from pathlib import Path

import httpx
import pytest

from exchanges import errors
from exchanges.limits.limit import Limit, Scope, Window
from exchanges.state import MemoryState
from tests.support.fourth import CREDENTIALS, KINDS, LIMIT, Fourth
from tests.support.fourth_calls import CALLS, WALL, failure_of, fourth
from tests.support.scripted_transport import Script, answer, html, refusal
from tests.support.sending import closed_port
from tests.support.virtual_time import run

ERRORS = (Path(__file__).parent.parent.parent / "docs" / "errors.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `[^|]+\| (?P<raised_by>[^|]+) \|[^|]+\|[^|]+\|$", re.MULTILINE)
KINDS_OF = {
    "any call": {"read", "idempotent", "write", "money"},
    "reads": {"read"},
    "all but reads": {"idempotent", "write", "money"},
    "all but cancels": {"read", "write", "money"},
    "money calls": {"money"},
    "kept books": set(),
    "private streams": set(),
}
REFUSED = {
    "denied": errors.PermissionDenied,
    "invalid": errors.InvalidRequest,
    "expired": errors.QuoteExpired,
    "refused": errors.Rejected,
}
LARGER = int(WALL * 1000) + 60_000
ANSWERS = {
    **{code: refusal(code) for code in (*REFUSED, "auth", "funds", "missing")},
    "nonce": refusal("nonce", floor=LARGER),
    "limit": refusal("limit", 429),
    "a page": html(200),
    "a redirect": httpx.Response(302),
    "unavailable": html(503),
    "a missing path": html(404),
    "another shape": answer({"no": "id"}),
    "broken off": httpx.ReadError("gone"),
}


def rows():
    """The rows of the table: the classes of each, and the kinds of calls that raise them."""
    return {
        name: KINDS_OF[found["raised_by"]]
        for found in ROW.finditer(ERRORS)
        for name in re.findall(r"\b[A-Z][A-Za-z]+[a-z](?=`)", found[0].split("|")[1])
    }


async def closed(kind):
    """Call a client that is closed."""
    async with fourth(Script.of()) as client:
        pass
    with pytest.raises(errors.ExchangeError) as caught:
        await CALLS[kind](client)
    return caught.value


async def twice(kind, script, **options):
    """Send a call twice."""
    async with fourth(script, **options) as client:
        for _ in range(2):
            try:
                await CALLS[kind](client)
            except errors.ExchangeError as error:
                last = error
    return last


async def nowhere(kind):
    """Call a server that does not listen."""
    async with Fourth(base_url=f"http://127.0.0.1:{closed_port()}", **CREDENTIALS, state=MemoryState()) as client:
        with pytest.raises(errors.ExchangeError) as caught:
            await CALLS[kind](client)
    return caught.value


def raised(kind):
    """The classes that calls of one kind raise."""
    full = [Limit(LIMIT.name, (Window(1, per_seconds=1000.0),), Scope.KEY)]
    ends = [run(failure_of(Script.of(step), kind, timeout_seconds=30)) for step in ANSWERS.values()]
    ends.append(run(closed(kind)))
    ends.append(run(twice(kind, Script.of(html(503)), timeout_seconds=30)))
    ends.append(run(twice(kind, Script.of(), limits=full, timeout_seconds=30)))
    return {type(end).__name__ for end in ends}


@pytest.mark.parametrize("kind", CALLS)
async def test_rows(kind, monkeypatch):
    """A call raises the errors whose rows name its kind, and no others."""
    for code, error in REFUSED.items():
        monkeypatch.setitem(KINDS, code, error)
    monkeypatch.setattr("exchanges.session.session.BACKOFF_SECONDS", 0.0)
    found = {type(await nowhere(kind)).__name__}
    found |= await asyncio.to_thread(raised, kind)

    # What a state does that fails is tested with the states.
    assert {name for name, kinds in rows().items() if kind in kinds} - {"StateError"} == found


def test_every_error_has_a_row():
    """The table has all errors but those that are only causes or bases, and those of callbacks."""
    assert set(errors.__all__) - {"ExchangeError", "Unavailable", "CallbackRejected"} == set(rows())
