"""What is told of unresolved calls is typed, and verdicts are a closed set. Checked, never run.

A line with an ignore is one that a checker must refuse: where it does not, the ignore is unused, which is refused too.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from collections.abc import ItemsView, Mapping
from datetime import datetime
from typing import Any, assert_never, assert_type

from exchanges import (
    Ambiguous,
    Bitex,
    Bitso,
    Bitstamp,
    ExchangeError,
    Incomplete,
    Intent,
    NoTrace,
    OpenCall,
    OutcomeUnknown,
    Phase,
    Reconciled,
    Standing,
    UnresolvedOutcome,
    UsageError,
    Verdict,
)
from exchanges.bitso import found as bitso
from exchanges.bitstamp import OrderStatus


def carried(unknown: OutcomeUnknown, refused: UnresolvedOutcome) -> UsageError:
    assert_type(unknown.phase, Phase)
    assert_type(unknown.intent, Intent)
    assert_type(unknown.nonce, str | None)
    assert_type(refused.intent, Intent)
    return refused


def of_an_intent(intent: Intent) -> None:
    assert_type(intent.endpoint, str)
    assert_type(intent.arguments, dict[str, str])
    assert_type(intent.acting, dict[str, str])
    assert_type(intent.at, datetime)
    assert_type(intent.tag, str | None)
    assert_type(intent.id, str)
    intent.tag = "mine"  # type: ignore[misc]


def listed(client: Bitex) -> Mapping[Intent, OpenCall]:
    unresolved = client.unresolved
    assert_type(unresolved.items(), ItemsView[Intent, OpenCall])
    for intent, call in unresolved.items():
        assert_type(intent, Intent)
        assert_type(call, OpenCall)
    for each in unresolved:
        assert_type(unresolved[each], OpenCall)
        assert_type(unresolved.dismiss(each), None)
    unresolved.dismiss("id")  # type: ignore[arg-type]
    client.unresolved = unresolved  # type: ignore[misc]
    return unresolved


def of_a_call(call: OpenCall) -> None:
    assert_type(call.intent, Intent)
    assert_type(call.standing, Standing)
    assert_type(call.nonce, str | None)
    assert_type(call.phase, Phase | None)
    assert_type(call.ended_at, datetime | None)
    assert_type(call.value, Any)
    assert_type(call.error, ExchangeError | None)
    match call.standing:
        case Standing.UNDER_WAY | Standing.UNKNOWN:
            pass
        case Standing.EXECUTED | Standing.NOT_EXECUTED:
            pass
        case _:
            assert_never(call.standing)


async def every_verdict(client: Bitso, error: OutcomeUnknown) -> object:
    verdict = await client.reconcile(error.intent)
    assert_type(verdict, Reconciled[bitso.Found] | NoTrace | Ambiguous[bitso.Found] | Incomplete)
    match verdict:
        case Reconciled(found=found, id=made):
            assert_type(found, bitso.Found)
            assert_type(made, str | None)
            return found
        case NoTrace():
            return None
        case Ambiguous(candidates=candidates):
            assert_type(candidates, tuple[bitso.Found, ...])
            return candidates
        case Incomplete(reason=reason):
            assert_type(reason, str)
            return reason
        case _:
            assert_never(verdict)


async def what_was_found(client: Bitstamp, intent: Intent) -> Verdict:
    verdict = await client.reconcile(intent)
    if isinstance(verdict, Reconciled) and isinstance(verdict.found, OrderStatus):
        assert_type(verdict.found.client_order_id, str | None)
    if isinstance(verdict, Reconciled):
        verdict.found.amount_remaining  # type: ignore[union-attr]
    return verdict


async def one_verdict_is_missing(client: Bitstamp, intent: Intent) -> None:
    verdict: Verdict = await client.reconcile(intent, timeout_seconds=60.0)
    match verdict:
        case Reconciled() | NoTrace() | Ambiguous():
            pass
        case _:
            assert_never(verdict)  # type: ignore[arg-type]


async def mistakes(client: Bitex, error: OutcomeUnknown, intent: Intent) -> None:
    await client.reconcile(error)  # type: ignore[arg-type]
    await client.reconcile(intent, 60.0)  # type: ignore[call-arg]
