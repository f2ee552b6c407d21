"""Rows of Bitex, and what its searches make of them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from attrs import evolve

from exchanges.bitex import Bid, Bitex, Currency, Input, OrderStatus, Output
from exchanges.bitex.reconcile import SEARCHES
from exchanges.endpoint import endpoints_of
from exchanges.endpoint.call import prepare
from exchanges.errors import NotFound
from exchanges.intents import Intent
from exchanges.outcomes.search import Query
from exchanges.wire import decode, dumps
from tests.support.specimens import specimen_of

AT = datetime.fromtimestamp(946685400, UTC)  # the moment of the guide's rows
ENDPOINTS = {e.id: e for e in endpoints_of(Bitex)}
GONE = NotFound("no such thing")
OPEN_BID = Bid(5, AT, 1, Decimal(100), Decimal(100), Decimal(500), OrderStatus.EXECUTING, issuer="ApiKey#1")


def documented(name: str) -> Any:
    """The guide's answer of a read."""
    specimen = specimen_of(f"bitex.{name}")
    return decode(dumps(specimen.payload), specimen.endpoint.answer)


def intent_of(name: str, *, at: datetime = AT, tag: str | None = None, **arguments: Any):
    """What a call was to do; arguments that are no single value are JSON, and of a file its type and size."""
    return prepare(ENDPOINTS[f"bitex.{name}"], arguments, "https://bitex.la/api-v1/rest", tag=tag).intent(at)


def judge(intent: Intent, /, *, since: float = -5, until: float = 30, reads: list[str] | None = None, **rows: Any):
    """What a search comes to where each read, named without its area, gives these *rows*; else an empty list."""
    query = Query(intent, AT + timedelta(seconds=since), AT + timedelta(seconds=until), timedelta(seconds=until))
    answers: dict[Any, Any] = {}
    while (matches := SEARCHES[intent.endpoint].find(query, answers)).more:
        for one in matches.more:
            answers[one] = rows.get(one.endpoint.id.rpartition(".")[2], [])
            if reads is not None:
                reads.append(one.endpoint.id)
    return matches


def verdicts(matches):
    """Of each candidate whether it is sure; then whether they are all."""
    return [c.sure for c in matches.candidates], matches.complete


BID = intent_of("trading.create_bid", amount=100, price=500)
BOT = intent_of("bots.create_selling_bot", amount=10, chunk_size=1, time_to_live=20)
DEPOSIT = intent_of("funding.create_usd_deposit", country="UY", amount=100, currency="UYU", deposit_method="bank")
WITHDRAWAL = intent_of("funding.create_btc_withdrawal", address="1address..", amount=100)
PAYMENT = intent_of("payments.create_payment", currency_id=Currency.USD, amount=100, merchant_reference="m")
WORK_ORDER = intent_of(
    "concierge.create_work_order_request",
    payer_id=1,
    inputs=[Input(amount=1000, country="AR", currency="ARS")],
    bitcoin_inputs=[{"amount": None}],
    outputs=[
        Output(user_id=5, country="MX", currency="MXN", amount=400, withdrawal_instruction_id=1),
        Output(user_id=5, country="US", currency="USD", amount=100, withdrawal_instruction_id=1),
    ],
)
FILE = evolve(
    intent_of("kyc.create_file", kyc_profile_id=1, document=b"\x89PNG\r\n\x1a\n"),
    arguments={"kyc_profile_id": "1", "document": '{"content_type": "image/png", "size": 10000}'},
)
