"""Definitions for all of Bitex: URLs, limit, minimums."""

from __future__ import annotations

from decimal import Decimal

from exchanges.bitex.errors import read_problem
from exchanges.bitex.signing import ApiKeyScheme
from exchanges.endpoint import MIB, Api
from exchanges.limits.limit import Limit, Scope, Window

# The guide does not specify whether calls are counted by IP address or by key. One limit for all calls from this
# address, public and private, is never exceeded under either reading.
LIMIT = Limit("bitex", windows=(Window(5, per_seconds=1.0),), scope=Scope.ADDRESS)

API = Api(
    name="bitex",
    base_url="https://bitex.la/api-v1/rest",
    sandbox_url="https://sandbox.bitex.la/api-v1/rest",
    scheme=ApiKeyScheme(),
    public_limit=LIMIT,
    private_limit=LIMIT,
    read_problem=read_problem,
    success_statuses=frozenset({200, 201, 202}),  # what the exchange's own client accepts
    limit_statuses=frozenset({429}),
    lockout_seconds=1.0,  # the length of the window: the guide names no other time
    max_lockout_seconds=60.0,
)

MINIMUM_BID = Decimal(1)  # quote currency to spend
MINIMUM_ASK = Decimal("0.005")  # base currency to sell

LARGE_BYTES = 64 * MIB  # the archive of all trades, and all movements of an account
ARCHIVE_SECONDS = 60.0
ARCHIVE_EVERY_SECONDS = 3600.0  # it changes once an hour, and Bitex allows a few reads in one
