"""Payments and work orders: neither shows when it was created, both show a moment near it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import cast

from exchanges.bitex.concierge import Concierge
from exchanges.bitex.models.concierge import (
    WorkOrderBitcoinInput,
    WorkOrderInput,
    WorkOrderOutput,
    WorkOrderRequest,
    WorkOrderStatus,
)
from exchanges.bitex.models.payments import Currency, Payment
from exchanges.bitex.payments import MAX_PAYMENTS, Payments
from exchanges.outcomes.matching import (
    RESOLUTION,
    Listing,
    MatchQuality,
    compare,
    compare_numbers,
    compare_tags,
    compare_texts,
    is_before,
    is_misdated,
    match,
    reaches_back,
    same_if,
)
from exchanges.outcomes.search import Match, Query, Read, Search, Searches, id_of
from exchanges.wire import Json

# How long a payment is valid, by the guide: answers name its end and not its beginning.
VALID = timedelta(hours=1)

Part = WorkOrderInput | WorkOrderBitcoinInput | WorkOrderOutput


# Payments


def _created_at(payment: Payment) -> datetime | None:
    """Return when a payment was created: an hour before it expires, which is when it was first quoted.

    None once it was quoted again, and if the two do not agree, as in the guide's own samples.
    """
    first = payment.last_quoted_on
    again = payment.previous_expected_quantity is not None
    return None if first is None or again or abs(payment.valid_until - VALID - first) > 2 * RESOLUTION else first


def _payment(query: Query, payment: Payment) -> Match | None:
    created_at = _created_at(payment)
    reference, tagged = compare_tags(query, "merchant_reference", payment.merchant_reference)
    customer = compare_texts(payment.customer_reference, query.text("customer_reference"))
    return match(
        query,
        payment,
        compare_numbers(payment.currency_id, query.text("currency_id")),
        compare(payment.amount, query.amount("amount")),
        # Whatever was created after the call expires after the call.
        same_if(not is_before(query, payment.valid_until)),
        same_if(query.text("callback_url") is None, MatchQuality.DOUBTFUL),
        _compare_keep(query, payment),
        # Another one is no proof: the customer may change it.
        max(customer, MatchQuality.DOUBTFUL),
        reference,
        name=payment.id,
        shown_at=payment.valid_until if is_misdated(query, payment.valid_until) else created_at,
        tagged=tagged,
    )


def _compare_keep(query: Query, payment: Payment) -> MatchQuality:
    """Compare what is to be kept, which in BTC has no effect."""
    if payment.currency_id is Currency.BTC:
        return MatchQuality.SAME
    wanted = query.amount("keep")
    return same_if(not payment.keep, MatchQuality.DOUBTFUL) if wanted is None else compare(payment.keep, wanted)


# Work orders


def _work_order(query: Query, order: WorkOrderRequest) -> Match | None:
    """Compare a work order: as long as it is RECEIVED its last change is its first."""
    untouched = order.status is WorkOrderStatus.RECEIVED or is_misdated(query, order.updated_at)
    confirm = (query.text("should_confirm_quote") or "false") == "true"
    return match(
        query,
        order,
        compare_numbers(order.payer_id, query.text("payer_id")),
        # The guide's sample answers another value than its request sends.
        same_if(confirm is order.should_confirm_quote, MatchQuality.DOUBTFUL),
        _compare_parts(query, "inputs", order.inputs),
        _compare_parts(query, "bitcoin_inputs", order.bitcoin_inputs),
        _compare_parts(query, "outputs", order.outputs),
        name=order.id,
        shown_at=order.updated_at if untouched else None,
    )


def _compare_parts(query: Query, name: str, shown: Sequence[Part]) -> MatchQuality:
    """Match each part that was sent to one that is shown; in what order they are shown is not documented."""
    wanted = query.structure(name) if query.text(name) is not None else []
    if not isinstance(wanted, list):
        return MatchQuality.DOUBTFUL
    left = list(shown)
    qualities = [same_if(len(wanted) == len(shown))]
    # Parts without an amount match several: they choose last.
    for part in sorted(cast("list[dict[str, Json]]", wanted), key=lambda part: part.get("amount") is None):
        candidates = [_compare_part(part, one) for one in left]
        best = max(candidates, default=MatchQuality.OTHER)
        qualities.append(best)
        if best:
            left.pop(candidates.index(best))
    return min(qualities)


def _compare_part(wanted: dict[str, Json], shown: Part) -> MatchQuality:
    """Compare one part; an amount that was left open is filled in by the exchange."""
    values = [(value, getattr(shown, name, None)) for name, value in wanted.items() if value is not None]
    qualities = [_compare_value(value, there) for value, there in values]
    return min(qualities, default=MatchQuality.SAME)


def _compare_value(wanted: Json, shown: object) -> MatchQuality:
    if isinstance(shown, Decimal) and isinstance(wanted, int | Decimal | str):
        return compare(shown, Decimal(str(wanted)))
    return MatchQuality.DOUBTFUL if shown is None else same_if(wanted == shown)


def _are_all_payments(query: Query, payments: Sequence[Payment]) -> bool:
    return reaches_back(query, [payment.valid_until for payment in payments], MAX_PAYMENTS)


_PAYMENTS = Listing(lambda _: Read.of(Payments.payments), Payment, _payment, _are_all_payments)
_WORK_ORDERS = Listing(lambda _: Read.of(Concierge.work_order_requests), WorkOrderRequest, _work_order)
SEARCHES: Searches = {
    id_of(Payments.create_payment): Search(
        _PAYMENTS, lambda payment: Match(str(payment.id), payment, _created_at(payment))
    ),
    id_of(Concierge.create_work_order_request): Search(
        _WORK_ORDERS, lambda order: Match(str(order.id), order, order.updated_at)
    ),
}
