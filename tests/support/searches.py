"""What the tests of searches share: queries, as a session would put them, and a small loop that reads."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from attrs import evolve

from exchanges.client import Client
from exchanges.endpoint.call import prepare
from exchanges.errors import NotFound
from exchanges.outcomes.search import Matches, Query, Read, Searches
from exchanges.wire import decode, dumps
from tests.support.simulator_calls import NOW

__all__ = ["AT", "MINUTE", "dated", "facts", "models", "query_for", "search", "search_in", "specimen"]

AT = datetime.fromtimestamp(NOW, UTC)
MINUTE = timedelta(minutes=1)
READS = 40
SPECIMENS = Path(__file__).parent.parent / "specimens"


def query_for(method: Callable[..., Any], at: datetime = AT, **arguments: Any) -> Query:
    """Query what a call of *method* created around *at*."""
    endpoint = Read.of(method).endpoint
    return Query(prepare(endpoint, arguments, "https://here").intent(at), at - MINUTE, at + MINUTE, MINUTE)


async def search(client: Client, searches: Searches, query: Query) -> Matches:
    """Search with the reads of *client*."""
    answers: dict[Read, Any] = {}
    while more := searches[query.intent.endpoint].find(query, answers).more:
        for read in more:
            answers[read] = await _read(client, read)
        assert len(answers) <= READS
    return searches[query.intent.endpoint].find(query, answers)


async def _read(client: Client, read: Read) -> Any:
    method: Any = client
    for name in read.endpoint.id.split(".")[1:]:
        method = getattr(method, name)
    try:
        return await method(**dict(read.arguments))
    except NotFound as error:
        return error


def search_in(answers: Mapping[str, Any], searches: Searches, query: Query) -> Matches:
    """Search in *answers*, by the last name of their endpoint: values, or functions of the arguments."""
    given: dict[Read, Any] = {}
    while more := searches[query.intent.endpoint].find(query, given).more:
        for read in more:
            answer = answers[read.endpoint.id.split(".")[-1]]
            given[read] = answer(**dict(read.arguments)) if callable(answer) else answer
        assert len(given) <= READS
    return searches[query.intent.endpoint].find(query, given)


def facts(matches: Matches) -> list[tuple[str, bool]]:
    """Return ids, and whether they are sure."""
    return [(match.id, match.sure) for match in matches.candidates]


def dated(matches: Matches) -> Matches:
    """Return *matches* without those that are shown as of another moment."""
    return evolve(matches, candidates=tuple(match for match in matches.candidates if not match.misdated))


def models(rows: Any, kind: type) -> Any:
    """Return what a read of *rows* answers."""
    return decode(dumps(list(rows)), list[kind], strict=True)


def specimen(name: str) -> Any:
    """Return the documented answer of an endpoint, such as ``bitstamp/v1.trading.open_orders``."""
    return json.loads((SPECIMENS / f"{name}.txt").read_text().partition("\n\n")[2])
