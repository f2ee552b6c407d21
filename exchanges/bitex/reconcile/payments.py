"""Payments and work orders: neither says when it was made, both say something near it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
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
from exchanges.bitex.reconcile.likeness import (
    UNTOLD,
    Likeness,
    alike_amount,
    alike_number,
    alike_tag,
    alike_text,
    overall,
    structure,
    trace,
)
from exchanges.bitex.reconcile.lists import Listing, goes_back
from exchanges.outcomes.matching import RESOLUTION, placed_at
from exchanges.outcomes.search import Match, Query, Read
from exchanges.wire import Json

__all__ = ["PAYMENTS", "WORK_ORDERS", "made_payment", "made_work_order"]

VALID = timedelta(hours=1)

Part = WorkOrderInput | WorkOrderBitcoinInput | WorkOrderOutput


# Payments


def _created_at(payment: Payment) -> datetime | None:
    """Find when a payment was made: an hour before it expires, which is when it was first quoted.

    None once it was quoted again, and where the two do not agree, as in the guide's own samples.
    """
    first = payment.last_quoted_on
    again = payment.previous_expected_quantity is not None
    return None if first is None or again or abs(payment.valid_until - VALID - first) > 2 * RESOLUTION else first


def _payment(sought: Query, payment: Payment) -> Match | None:
    created_at = _created_at(payment)
    reference, tagged = alike_tag(sought, "merchant_reference", payment.merchant_reference)
    likenesses = [
        alike_number(sought.text("currency_id"), payment.currency_id),
        alike_amount(sought.amount("amount"), payment.amount),
        # Whatever was made after the call expires after the call.
        payment.valid_until >= sought.since and (created_at is not None or UNTOLD),
        sought.text("callback_url") is None or UNTOLD,
        _alike_keep(sought, payment),
        alike_text(sought.text("customer_reference"), payment.customer_reference) or UNTOLD,  # he may change it
        reference,
    ]
    return trace(sought, payment, likenesses, name=payment.id, told=created_at, tagged=tagged)


def _alike_keep(sought: Query, payment: Payment) -> Likeness:
    """Compare what is to be kept, which in BTC has no effect."""
    if payment.currency_id is Currency.BTC:
        return True
    wanted = sought.amount("keep")
    return not payment.keep or UNTOLD if wanted is None else alike_amount(wanted, payment.keep)


def made_payment(payment: Payment) -> Match:
    """Name a payment that was answered."""
    return Match(str(payment.id), payment, _created_at(payment))


# Work orders


def _work_order(sought: Query, order: WorkOrderRequest) -> Match | None:
    """Compare a work order: as long as it is RECEIVED its last change is its first."""
    untouched = order.status is WorkOrderStatus.RECEIVED and placed_at(sought, order.updated_at) is not None
    confirm = sought.text("should_confirm_quote") or "false"
    likenesses = [
        alike_number(sought.text("payer_id"), order.payer_id),
        order.updated_at + RESOLUTION >= sought.since and (untouched or UNTOLD),
        (confirm == "true") is order.should_confirm_quote or UNTOLD,  # the guide's sample answers another
        _alike_parts(sought, "inputs", order.inputs),
        _alike_parts(sought, "bitcoin_inputs", order.bitcoin_inputs),
        _alike_parts(sought, "outputs", order.outputs),
    ]
    return trace(sought, order, likenesses, name=order.id, told=order.updated_at if untouched else None)


def _alike_parts(sought: Query, name: str, shown: Sequence[Part]) -> Likeness:
    """Find for each part that was sent one that is shown; in what order they stand is not documented."""
    wanted = structure(sought, name) if sought.text(name) is not None else []
    if not isinstance(wanted, list):
        return UNTOLD
    left = list(shown)
    likenesses: list[Likeness] = [len(wanted) == len(shown)]
    for part in sorted(cast("list[dict[str, Json]]", wanted), key=lambda part: part.get("amount") is None):
        alike = [_alike_part(part, one) for one in left]
        best = next((likeness for likeness in (True, UNTOLD) if likeness in alike), False)
        likenesses.append(best)
        if best is not False:
            left.pop(alike.index(best))
    return overall(likenesses)


def _alike_part(wanted: dict[str, Json], shown: Part) -> Likeness:
    """Compare one part; an amount that was left open is filled in by the exchange."""
    asked = {name: value for name, value in wanted.items() if value is not None}
    told = {name: getattr(shown, name, None) for name in asked}
    return overall([UNTOLD if told[name] is None else bool(value == told[name]) for name, value in asked.items()])


def made_work_order(order: WorkOrderRequest) -> Match:
    """Name a work order that was answered."""
    return Match(str(order.id), order, order.updated_at)


PAYMENTS = Listing(
    lambda _: Read.of(Payments.payments),
    Payment,
    _payment,
    lambda sought, payments: goes_back(sought, [payment.valid_until for payment in payments], MAX_PAYMENTS),
)
WORK_ORDERS = Listing(
    lambda _: Read.of(Concierge.work_order_requests), WorkOrderRequest, _work_order, lambda _, __: True
)
