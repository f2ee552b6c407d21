"""The documented call of each endpoint as if it had been sent, to interpret answers without sending anything."""

from __future__ import annotations

from exchanges.endpoint.call import prepare
from exchanges.http.answer import Answer, Evidence
from exchanges.outcomes.attempt import Attempt
from exchanges.outcomes.response import Result, interpret
from exchanges.wire.converter import wire
from tests.support.attempts import attempt_of
from tests.support.specimens import SPECIMENS, STAMP, Specimen, sent

UNEXPECTED = "while reading the answer"
"""Part of the message when a reader raises an exception that is none of the library's."""


def _sent(specimen: Specimen) -> Attempt:
    endpoint = specimen.endpoint
    call = prepare(endpoint, specimen.arguments, endpoint.api.base_url)
    return attempt_of(call, STAMP, sent(specimen), Evidence(watched=True, started=True, finished=True))


CALLS: dict[str, Attempt] = {specimen.id: _sent(specimen) for specimen in SPECIMENS}
"""By id of the endpoint."""


def settled(endpoint: str, body: bytes, status: int = 200, **headers: str) -> Result:
    """Interpret *body* as the answer to the documented call of *endpoint*."""
    return interpret(CALLS[endpoint], Answer(status, headers, body), wire())
