"""What holds for all of Bitstamp: addresses and the one limit."""

from __future__ import annotations

from exchanges.bitstamp.errors import read_problem, read_problem_v1
from exchanges.bitstamp.scheme import BodySignature, HeaderSignature
from exchanges.endpoint import Api
from exchanges.limits import Limit, Scope, Window

__all__ = ["LIMIT", "LOCKOUT_SECONDS", "V1", "V2"]

# Public and private calls of both generations count together, by address.
LIMIT = Limit("bitstamp", windows=(Window(600, per_seconds=600.0),), scope=Scope.ADDRESS)
LOCKOUT_SECONDS = 600.0

V1 = Api(
    name="bitstamp.v1",
    base_url="https://www.bitstamp.net/api",
    scheme=BodySignature(),
    public_limit=LIMIT,
    private_limit=LIMIT,
    read_problem=read_problem_v1,
    lockout_seconds=LOCKOUT_SECONDS,
)

V2 = Api(
    name="bitstamp",
    base_url="https://www.bitstamp.net/api/v2",
    scheme=HeaderSignature(),
    public_limit=LIMIT,
    private_limit=LIMIT,
    read_problem=read_problem,
    lockout_seconds=LOCKOUT_SECONDS,
)
