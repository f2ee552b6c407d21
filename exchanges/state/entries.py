"""The entries of a journal as text, the same in every state that outlives a process."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import astuple

from exchanges.intents import ClockOffset, Intent
from exchanges.state.protocols import Entry

KEPT_FOR = timedelta(days=7)
"""How long the ids of what was created are kept."""


def text_of(moment: datetime) -> str:
    """Render a moment so that later ones compare larger as text."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


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
    }


def entry_of(intent_id: str, server: str, key: str, written: str, *, ended_at: str | None, is_under_way: bool) -> Entry:
    """Return the entry whose body was *written* as JSON."""
    body = json.loads(written)
    clock = body.get("clock")
    offset = None if clock is None else ClockOffset(*(timedelta(seconds=seconds) for seconds in clock))
    intent = Intent(
        body["endpoint"],
        body["arguments"],
        datetime.fromisoformat(body["at"]),
        tag=body["tag"],
        acting=body["acting"],
        id=intent_id,
        clock=offset,
        server=server,
        account=key,
    )
    ended = None if ended_at is None else datetime.fromisoformat(ended_at)
    return Entry(server, key, intent, body["nonce"], body["digest"], ended, is_under_way)
