"""What an answer is made of without sending anything: the documented call of each endpoint, ready to be answered."""

from __future__ import annotations

from exchanges.endpoint import Access
from exchanges.endpoint.call import prepare
from exchanges.http.transport import Answer, Evidence
from exchanges.outcomes.attempt import Sent
from exchanges.outcomes.response import Result, interpret
from exchanges.wire.converter import wire
from tests.exchanges.test_specimens import CREDENTIALS, SPECIMENS, STAMP, Specimen

__all__ = ["CALLS", "SPECIMENS", "settled"]


def _sent(specimen: Specimen) -> Sent:
    endpoint = specimen.endpoint
    call = prepare(endpoint, specimen.arguments, endpoint.api.base_url)
    is_public = endpoint.access is Access.PUBLIC
    request = call.render() if is_public else endpoint.api.scheme.sign(call, CREDENTIALS, STAMP)
    return Sent(call, STAMP, request, Evidence(watched=True, started=True, finished=True))


CALLS: dict[str, Sent] = {specimen.id: _sent(specimen) for specimen in SPECIMENS}
"""By id of the endpoint."""


def settled(endpoint: str, body: bytes, status: int = 200, **headers: str) -> Result:
    """Say what *body* means as the answer to the documented call of *endpoint*."""
    return interpret(CALLS[endpoint], Answer(status, headers, body), wire())
