"""What the tests of searches share: what is sought, as a session would put it, and a small loop that reads."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from exchanges.client import Client
from exchanges.endpoint.call import prepare
from exchanges.errors import NotFound
from exchanges.outcomes.search import Matches, Query, Read, Searches
from tests.support.simulator_calls import NOW

__all__ = ["AT", "MINUTE", "look", "look_at", "seek", "specimen"]

AT = datetime.fromtimestamp(NOW, UTC)
MINUTE = timedelta(minutes=1)
READS = 40
SPECIMENS = Path(__file__).parent.parent / "specimens"


def seek(method: Callable[..., Any], at: datetime = AT, **arguments: Any) -> Query:
    """Seek what a call of *method* made around *at*."""
    endpoint = Read.of(method).endpoint
    return Query(prepare(endpoint, arguments, "https://here").intent(at), at - MINUTE, at + MINUTE, MINUTE)


async def look(client: Client, searches: Searches, sought: Query) -> Matches:
    """Search with the reads of *client*."""
    seen: dict[Read, Any] = {}
    while more := searches[sought.intent.endpoint].find(sought, seen).more:
        for reading in more:
            seen[reading] = await _read(client, reading)
        assert len(seen) <= READS
    return searches[sought.intent.endpoint].find(sought, seen)


async def _read(client: Client, reading: Read) -> Any:
    method: Any = client
    for name in reading.endpoint.id.split(".")[1:]:
        method = getattr(method, name)
    try:
        return await method(**dict(reading.arguments))
    except NotFound as error:
        return error


def look_at(answers: Mapping[str, Any], searches: Searches, sought: Query) -> Matches:
    """Search in *answers*, by the last name of their endpoint: values, or functions of the arguments."""
    seen: dict[Read, Any] = {}
    while more := searches[sought.intent.endpoint].find(sought, seen).more:
        for reading in more:
            said = answers[reading.endpoint.id.split(".")[-1]]
            seen[reading] = said(**dict(reading.arguments)) if callable(said) else said
        assert len(seen) <= READS
    return searches[sought.intent.endpoint].find(sought, seen)


def specimen(name: str) -> Any:
    """Give the documented answer of an endpoint, such as ``bitstamp/v1.trading.open_orders``."""
    return json.loads((SPECIMENS / f"{name}.txt").read_text().partition("\n\n")[2])
