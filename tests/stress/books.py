"""Kept order books between markets whose true books are known, channels that coalesce, and cached reads; virtual time.

S1: ten thousand faults, of the line, of frames, of reads. A book that can be read is compared with the true one at its
moment after every step. Frames that the exchange itself loses are counted apart: nothing shows them at once, so the
audit bounds how long they are believed. The rules of others are measured beside, in the same markets without faults.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import Any
from unittest.mock import patch

from exchanges.streams.keepers import DiffBook, SequencedBook
from exchanges.streams.keepers.kept import Kept
from tests.stress.figures import Figure, Mechanisms
from tests.stress.tally import results
from tests.support.book_cases import FAULTS, SETTINGS, Case, Seen
from tests.support.book_rules import EqualMoments, ReadFirst, Rule, WholeSeconds
from tests.support.book_runs import play

PROMISES = ("S1",)
WORKERS = 2
RUNS, QUICK_RUNS = 110, 2
FAULTS_EACH = 12
LOSSES_EACH = 6
Paces = tuple[tuple[float, float], ...]
PACES: Paces = ((30.0, 0.6), (30.0, 0.115), (2.0, 0.3), (0.2, 0.6))
"""Changes a second, and seconds between frames."""
NAMES = {"whole": "best levels", "diff": "all levels", "numbered": "numbered orders"}
# A frame that overtakes another on one line is, until that comes, a frame that the exchange has lost.
KINDS = {"whole": FAULTS, "diff": tuple(fault for fault in FAULTS if fault != "reorder"), "numbered": FAULTS}
READABLE = {"whole": 0.995, "diff": 0.97, "numbered": 0.995}
AUDIT_SLACK_SECONDS = 3.0
"""An audit takes a read, and waits for the frame after it."""
RULES: dict[str, Callable[[], Rule]] = {
    "read, then subscribe": ReadFirst,
    "ccxt.pro's, of equal moments": EqualMoments,
    "cryptofeed's, of whole seconds": WholeSeconds,
}


# Mechanisms

_adopt, _apply = DiffBook._adopt, DiffBook._apply


def _unconfirmed(book: DiffBook, read: Any, now: float) -> None:
    _adopt(book, read, now)
    if book._has_begun():
        book._equal(read, now)


def _unchecked(book: DiffBook, step: Any, now: float) -> None:
    _apply(book, step, now)


def _with(owner: type, name: str, replacement: Any) -> Callable[[], AbstractContextManager[object]]:
    return lambda: patch.object(owner, name, replacement)


def _readable_always() -> AbstractContextManager[object]:
    stack = ExitStack()
    for name, side in (("bids", 0), ("asks", 1)):
        stack.enter_context(patch.object(Kept, name, property(lambda book, side=side: book._views[side])))
    stack.enter_context(patch.object(Kept, "_readable_bids", lambda book: book._bids))
    stack.enter_context(patch.object(Kept, "_readable_asks", lambda book: book._asks))
    return stack


MECHANISMS: Mechanisms = {
    "coverage": _with(DiffBook, "_is_covered", lambda book, read: True),
    "confirmation": _with(DiffBook, "_adopt", _unconfirmed),
    "free checks": _with(DiffBook, "_apply", _unchecked),
    "audit": _with(Kept, "_want_audit", lambda book, now: None),
    "sequence test": _with(SequencedBook, "_gap", lambda book, frame: None),
    "unreadable while bad": _readable_always,
}


# Runs


def _played(cases: list[tuple[Case, str, str | None]], without: str | None) -> Seen:
    """Play some cases, and sum them up."""
    with MECHANISMS[without]() if without else nullcontext():
        whole = Seen(first_good=0.0)
        for case, seed, rule in cases:
            whole.add(play(case, seed, RULES[rule] if rule else None))
    return whole


def _cases(
    kind: str, runs: int, seed: int, paces: Paces = PACES, rule: str | None = None, **of_case: Any
) -> list[tuple[Case, str, str | None]]:
    return [
        (Case(kind, rate=rate, interval=interval, **of_case), f"{seed} {kind} {run} {rate} {interval}", rule)
        for run in range(runs)
        for rate, interval in paces
    ]


def _seen(cases: list[tuple[Case, str, str | None]], without: str | None, *, quick: bool) -> Seen:
    shares = [(cases[worker::WORKERS], without) for worker in range(WORKERS)]
    whole = Seen(first_good=0.0)
    for seen in results(_played, shares, spread=not quick, workers=WORKERS):
        whole.add(seen)
    return whole


# Figures


def figures(*, quick: bool, seed: int, without: str | None = None) -> Iterator[Figure]:
    """Play all of them."""
    runs = QUICK_RUNS if quick else RUNS
    options: dict[str, Any] = {"without": without, "quick": quick}
    for kind in NAMES:
        # Numbered frames are one for each change: at what pace they are sent is no matter.
        paces, often = (PACES[1:], max(2, runs // 2)) if kind == "numbered" else (PACES, runs)
        cases = _cases(kind, often, seed, paces, faults=FAULTS_EACH, kinds=KINDS[kind])
        yield _never_wrong(kind, _seen(cases, **options))
    kills = ("kill", "drop")
    yield _covered(_seen(_cases("diff", runs, seed, PACES[1:2], faults=FAULTS_EACH, kinds=kills), **options))
    yield _lost(_seen(_cases("diff", runs, seed, losses=LOSSES_EACH), **options))
    if without is None:
        for kind in NAMES:
            yield _shares(kind, _seen(_cases(kind, max(2, runs // 8), seed, PACES[1:]), **options))
        for rule in RULES:
            yield _baseline(rule, _seen(_cases("diff", max(6, runs // 8), seed, PACES[:2], rule), **options))


def _never_wrong(kind: str, seen: Seen) -> Figure:
    faults = sum(seen.faults.values())
    shown = f"{seen.wrong:,} of {seen.checks:,} books, {faults:,} faults, readable {seen.good_share:.1%}{_first(seen)}"
    return Figure(f"{NAMES[kind]}: books that can be read and are wrong", shown, "0", seen.wrong == 0)


def _covered(seen: Seen) -> Figure:
    share = seen.wrong_bases / seen.bases
    shown = f"{share:.1%} of {seen.bases:,}, none of them readable before it was confirmed"
    return Figure(f"{NAMES['diff']}: order books to begin with that lack changes", shown, "<= 8%", share <= 0.08)


def _lost(seen: Seen) -> Figure:
    most = (SETTINGS["diff"].audit_seconds or 0.0) + AUDIT_SLACK_SECONDS
    return Figure(
        f"{NAMES['diff']}: how long a frame that the exchange loses is not noticed",
        f"{seen.longest_wrong:.1f} s at most, {seen.faults['lost']:,} lost, {seen.wrong_share:.2%} of the time",
        f"<= {most:.0f} s",
        seen.longest_wrong <= most,
    )


def _shares(kind: str, seen: Seen) -> Figure:
    share = READABLE[kind]
    shown = f"{seen.good_share:.2%}, {seen.reads / (seen.seconds / 60):.1f} reads a minute{_first(seen)}"
    met = seen.good_share >= share and seen.wrong == 0
    return Figure(f"{NAMES[kind]}: readable without faults, and never wrong", shown, f">= {share:.1%}", met)


def _baseline(rule: str, seen: Seen) -> Figure:
    return Figure(
        f"{NAMES['diff']} by another rule ({rule}): wrong without faults", f"{seen.wrong_share:.1%} of the time"
    )


def _first(seen: Seen) -> str:
    return f" (such as at {seen.examples[0]})" if seen.examples else ""
