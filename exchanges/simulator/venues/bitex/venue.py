"""Bitex, played: the key itself as the only proof, numbers as numbers, and all counters together."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from attrs import define

from exchanges.bitex import Bitex
from exchanges.endpoint import Api
from exchanges.simulator.engine.prices import BookFacts
from exchanges.simulator.engine.rejections import Reason, Refused
from exchanges.simulator.http.messages import HttpAnswer
from exchanges.simulator.record import Venue
from exchanges.simulator.venues.bitex.account import AccountCounter
from exchanges.simulator.venues.bitex.base import BitexAccount
from exchanges.simulator.venues.bitex.concierge import ConciergeCounter
from exchanges.simulator.venues.bitex.history import past
from exchanges.simulator.venues.bitex.market import MarketCounter
from exchanges.simulator.venues.bitex.matching import FEE_PERCENT
from exchanges.simulator.venues.bitex.payments import PaymentCounter
from exchanges.simulator.venues.bitex.rates import RatesCounter
from exchanges.simulator.venues.bitex.trading import TradingCounter
from exchanges.simulator.venues.venue import Account, Asked, Claim
from exchanges.wire import Json, dumps

__all__ = ["BitexPlay"]

_NOTHING: Json = {"errors": [{"code": None, "detail": None}]}
_STATUS = {
    Reason.NO_SUCH_PATH: 404,
    Reason.WRONG_VERB: 404,
    Reason.NOT_FOUND: 404,
    Reason.UNKNOWN_BOOK: 404,
    Reason.NO_CREDENTIALS: 401,
    Reason.UNKNOWN_KEY: 401,
    Reason.NO_PERMISSION: 401,
}


@define(eq=False, slots=False)
class BitexPlay(MarketCounter, RatesCounter, AccountCounter, TradingCounter, PaymentCounter, ConciergeCounter):
    """Bitex: a reseller with a little of everything in his past, and an ordinary customer who only just came."""

    venue = Venue.BITEX
    client = Bitex
    books = (BookFacts("btc_usd", "btc", "usd", centre=60_000, tick=Decimal("0.01"), gap=250),)

    def open_accounts(self) -> Iterable[Account]:
        """Open both accounts."""
        before = past(self.opened_ms, FEE_PERCENT)
        reseller = BitexAccount(
            "simulated-bitex-key", user_id=1, email="reseller@example.com", reseller=True, past=before
        )
        ordinary = BitexAccount("simulated-bitex-ordinary-key", user_id=2, email="ordinary@example.com")
        yield self.welcome(reseller, before.usd, before.btc)
        yield self.welcome(ordinary, Decimal(10_000), Decimal(1))

    def claim(self, asked: Asked) -> Claim:
        """Take the key, and for whom it acts, from among the arguments."""
        rest = dict(asked.fields)
        key, user_id = rest.pop("api_key", None), rest.pop("as_user", None)
        if not isinstance(key, str) or not key:
            raise Refused(Reason.NO_CREDENTIALS)
        return Claim(key, rest, acting_for=None if user_id is None else str(user_id))

    def signatures(self, asked: Asked, claim: Claim, account: Account) -> tuple[str, ...]:  # noqa: ARG002
        """Know none: nothing is signed."""
        return ()

    def refusal(self, api: Api, refused: Refused) -> HttpAnswer:  # noqa: ARG002 - one generation
        """Refuse as the later API of the same application does."""
        if refused.reason is Reason.TOO_MANY_REQUESTS:
            return HttpAnswer(429, b"Retry later\n", "text/plain")
        status = _STATUS.get(refused.reason, 422)
        if status == 401:
            permitted = refused.reason is not Reason.NO_PERMISSION
            words = "Invalid Api Key" if permitted else "You do not have enough permissions"
            return HttpAnswer(401, dumps({"error": words}))
        return HttpAnswer(status, dumps(_NOTHING if status == 404 else _validation(refused)))


def _validation(refused: Refused) -> Json:
    pointer = f"/data/attributes/{refused.about}" if refused.about else "/data"
    detail = refused.text or "no es válido"
    entry: Json = {
        "status": "422",
        "title": "Unprocessable Entity",
        "detail": detail,
        "code": "VALIDATION_ERROR",
        "meta": {},
        "source": {"pointer": pointer},
    }
    return {"errors": [entry]}
