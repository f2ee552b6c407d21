"""Definitions that hold for all of Bitstamp: addresses and the one limit."""

from __future__ import annotations

from functools import partial

from exchanges.bitstamp.errors import read_problem, read_problem_v1
from exchanges.bitstamp.signing import BodySignature, HeaderSignature
from exchanges.endpoint import Api
from exchanges.limits.limit import Limit, Scope, Window

# Public and private calls of both generations are counted together, by address.
# Quirk: later documents allow 8,000 and then 10,000 requests in the same time; the first and lowest figure satisfies
# all.
LIMIT = Limit("bitstamp", windows=(Window(600, per_seconds=600.0),), scope=Scope.ADDRESS)
# No document says how long a ban lasts: the length of the window is the least that can help.
LOCKOUT_SECONDS = 600.0


_api = partial(Api, public_limit=LIMIT, private_limit=LIMIT, lockout_seconds=LOCKOUT_SECONDS)
V1 = _api(
    name="bitstamp.v1",
    base_url="https://www.bitstamp.net/api",
    scheme=BodySignature(),
    read_problem=read_problem_v1,
)

V2 = _api(
    name="bitstamp", base_url="https://www.bitstamp.net/api/v2", scheme=HeaderSignature(), read_problem=read_problem
)
