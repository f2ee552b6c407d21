"""The entries of a journal as text, the same in every state that outlives a process."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from attrs import astuple, field, frozen

from exchanges.errors import StateError
from exchanges.intents import ClockOffset, Intent
from exchanges.state.protocols import Entry

KEPT_FOR = timedelta(days=7)
"""How long the ids of what was created are kept."""
MOST_OPEN = 20_000
"""How many calls of one key at one server may be open at once."""


class Unreadable(Exception):
    """What is written of a call is not what this version writes; the text says in which way."""


@frozen
class _Body:
    """What is written of an entry, beside its id, its server and its key."""

    endpoint: str
    arguments: dict[str, str]
    at: datetime
    tag: str | None
    acting: dict[str, str]
    clock: tuple[float, float] | None
    nonce: str | None
    digest: str
    named: str = field(default="")


def text_of(moment: datetime) -> str:
    """Render a moment so that later ones compare larger as text."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def moment_of(text: str) -> datetime:
    """Parse what `text_of` returned.

    Raises:
        Unreadable: It is no moment.
    """
    try:
        return _in_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError) as error:
        raise Unreadable(str(error)) from None


def body_of(entry: Entry) -> dict[str, Any]:
    """Return what is written of an entry, beside its id, its server and its key."""
    intent = entry.intent
    return {
        "endpoint": intent.endpoint,
        "arguments": intent.arguments,
        "at": text_of(intent.at),
        "tag": intent.tag,
        "acting": intent.acting,
        "clock": None if intent.clock is None else [t.total_seconds() for t in astuple(intent.clock)],
        "nonce": entry.nonce,
        "digest": entry.digest,
        "named": entry.named,
    }


def entry_of(
    intent_id: str, server: str, key: str, written: str, *, ended_at: datetime | None, is_under_way: bool
) -> Entry:
    """Return the entry whose body was *written* as JSON.

    Raises:
        Unreadable: It is none, or that of another version.
    """
    try:
        body = msgspec.json.decode(written, type=_Body)
        clock = None if body.clock is None else ClockOffset(*(timedelta(seconds=seconds) for seconds in body.clock))
    except (msgspec.MsgspecError, ValueError, OverflowError) as error:
        raise Unreadable(str(error)) from None
    intent = Intent(
        body.endpoint,
        body.arguments,
        _in_utc(body.at),
        tag=body.tag,
        acting=body.acting,
        id=intent_id,
        clock=clock,
        server=server,
        account=key,
    )
    return Entry(server, key, intent, body.nonce, body.digest, ended_at, is_under_way, named=body.named)


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise Unreadable("a moment without its zone")
    return moment.astimezone(UTC)


def too_many() -> StateError:
    """Build the error of a key that has so many open calls that no more is recorded."""
    return StateError(
        f"{MOST_OPEN:,} calls of this key have an unknown outcome, and no more is recorded; await client.reconcile() "
        "for those in client.unresolved, or dismiss those whose outcome you know"
    )
