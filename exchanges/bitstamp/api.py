"""Definitions that hold for all of Bitstamp: addresses and the one limit."""

from __future__ import annotations

from exchanges.bitstamp.errors import read_doubt, read_problem
from exchanges.bitstamp.signing import BodySignature, HeaderSignature
from exchanges.endpoint import Api
from exchanges.limits.limit import Limit, Scope, Window

# Public and private calls are counted together, by address, and those of v1 count for v2 as well.
# Quirk: the documents of v2 have published several figures; the lowest of each window satisfies all of them.
LIMIT = Limit("bitstamp", (Window(8000, per_seconds=600.0), Window(100, per_seconds=1.0)), Scope.ADDRESS)
V1_LIMIT = Limit("bitstamp v1", (Window(600, per_seconds=600.0),), Scope.ADDRESS, within=LIMIT)
DOCUMENTED_LIMITS = (
    Limit("bitstamp", (Window(10_000, per_seconds=600.0), Window(400, per_seconds=1.0)), Scope.ADDRESS),
)
"""What the document of v2 allows today, for ``Bitstamp(limits=DOCUMENTED_LIMITS)``."""
# No document says how long a ban lasts. For v1 the length of the window is the least that can help.
LOCKOUT_SECONDS, V1_LOCKOUT_SECONDS, MAX_LOCKOUT_SECONDS = 5.0, 600.0, 600.0


V1 = Api(
    name="bitstamp.v1",
    base_url="https://www.bitstamp.net/api",
    scheme=BodySignature(),
    public_limit=V1_LIMIT,
    private_limit=V1_LIMIT,
    lockout_seconds=V1_LOCKOUT_SECONDS,
    max_lockout_seconds=MAX_LOCKOUT_SECONDS,
    read_problem=read_problem,
    read_doubt=read_doubt,
)

V2 = Api(
    name="bitstamp",
    base_url="https://www.bitstamp.net/api/v2",
    sandbox_url="https://sandbox.bitstamp.net/api/v2",
    scheme=HeaderSignature(),
    public_limit=LIMIT,
    private_limit=LIMIT,
    lockout_seconds=LOCKOUT_SECONDS,
    max_lockout_seconds=MAX_LOCKOUT_SECONDS,
    lockout_scopes={"400.068": "market"},
    read_problem=read_problem,
    read_doubt=read_doubt,
)
