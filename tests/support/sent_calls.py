"""Calls of each kind at the fourth exchange, prepared and sent."""

import pytest

from exchanges.endpoint import Kind, endpoints_of
from exchanges.endpoint.call import prepare
from exchanges.http.answer import Evidence
from exchanges.http.signing import Credentials, Stamp
from tests.support.attempts import attempt_of
from tests.support.fourth import API, Fourth

READ, IDEMPOTENT, WRITE, MONEY = Kind.READ, Kind.IDEMPOTENT, Kind.WRITE, Kind.MONEY
REPEATABLE, RISKY = [READ, IDEMPOTENT], [WRITE, MONEY]
KINDS = REPEATABLE + RISKY
CALLS = {
    READ: ("fourth.trading.order", {}),
    IDEMPOTENT: ("fourth.trading.cancel", {"order_id": 7}),
    WRITE: ("fourth.trading.create_address", {}),
    MONEY: ("fourth.trading.create_order", {"amount": "1.5"}),
}
STAMP = Stamp("1490605200123", 1490605200123)

every_kind = pytest.mark.parametrize("kind", KINDS)


def call(kind):
    """A checked call of *kind*, not yet signed."""
    endpoint_id, arguments = CALLS[kind]
    endpoint = next(e for e in endpoints_of(Fourth) if e.id == endpoint_id)
    return prepare(endpoint, arguments, API.base_url)


def sent(kind, evidence=None):
    """Return a signed call of *kind* that was sent, unless *evidence* says otherwise."""
    credentials = Credentials(api_key="canary-key", api_secret="canary-secret")
    request = API.scheme.sign(call(kind), credentials, STAMP)
    return attempt_of(call(kind), STAMP, request, evidence or Evidence(watched=True, started=True))
