"""How Bitex identifies callers and words rejections: the key itself is the only proof."""

from __future__ import annotations

from exchanges.simulator.engine.rejections import Reason, Refused
from exchanges.simulator.http.messages import HttpAnswer
from exchanges.simulator.venues.calls import Claim, ParsedRequest
from exchanges.simulator.venues.venue import Generation
from exchanges.wire import Json, dumps

_NOT_FOUND: Json = {"errors": [{"code": None, "detail": None}]}
_STATUS = {
    Reason.NO_SUCH_PATH: 404,
    Reason.WRONG_VERB: 404,
    Reason.NOT_FOUND: 404,
    Reason.UNKNOWN_BOOK: 404,
    Reason.NO_CREDENTIALS: 401,
    Reason.UNKNOWN_KEY: 401,
    Reason.NO_PERMISSION: 401,
}


def _claim(parsed: ParsedRequest) -> Claim:
    """Return the identity in the arguments: the key, and the user for whom it acts."""
    rest = dict(parsed.fields)
    key, user_id = rest.pop("api_key", None), rest.pop("as_user", None)
    if not isinstance(key, str) or not key:
        raise Refused(Reason.NO_CREDENTIALS)
    return Claim(key, rest, acting_for=None if user_id is None else str(user_id))


def _refusal(refused: Refused) -> HttpAnswer:
    """Reject as the later API of the same application does."""
    # Before the table: too many requests are rejected in plain text, not in the JSON of the application.
    if refused.reason is Reason.TOO_MANY_REQUESTS:
        return HttpAnswer(429, b"Retry later\n", "text/plain")
    status = _STATUS.get(refused.reason, 422)
    if status == 401:
        permitted = refused.reason is not Reason.NO_PERMISSION
        text = "Invalid Api Key" if permitted else "You do not have enough permissions"
        return HttpAnswer(401, dumps({"error": text}))
    return HttpAnswer(status, dumps(_NOT_FOUND if status == 404 else _validation(refused)))


def _validation(refused: Refused) -> Json:
    pointer = f"/data/attributes/{refused.about}" if refused.about else "/data"
    entry: Json = {
        "status": "422",
        "title": "Unprocessable Entity",
        "detail": refused.text or "no es válido",
        "code": "VALIDATION_ERROR",
        "meta": {},
        "source": {"pointer": pointer},
    }
    return {"errors": [entry]}


GENERATIONS = {"bitex": Generation(_claim, _refusal)}
