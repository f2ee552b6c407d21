"""The part of a journal that belongs to one key at one server."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import field

from exchanges.errors import UsageError
from exchanges.intents import Intent
from exchanges.outcomes.call_index import CallIndex
from exchanges.state.protocols import Entry, Journal
from exchanges.values import define


@define(eq=False)
class JournalView:
    """The part of a journal that belongs to one key at one server.

    Attributes:
        journal: Of a shared state; None without one.
        server: Where the calls are sent.
        key: Whose they are, by fingerprint.
    """

    journal: Journal | None
    server: str
    key: str
    _entries: tuple[Entry, ...] = field(default=(), init=False, repr=False)
    _index: CallIndex[Entry] = field(factory=CallIndex[Entry], init=False, repr=False)

    def entries(self) -> CallIndex[Entry]:
        """Return the open calls of all processes.

        Raises:
            StateError: The journal cannot be read.
        """
        entries = () if self.journal is None else self.journal.entries(self.server, self.key)
        if entries is not self._entries:
            self._entries = entries
            self._index.update_to(self._own(entries))
        return self._index

    def matching(self, digest: str, named: str) -> list[Entry]:
        """Return the open calls of all processes that have this digest or this client's id, if they are not empty.

        Raises:
            StateError: The journal cannot be read.
        """
        if self.journal is None:
            return []
        return self._own(self.journal.matching(self.server, self.key, digest=digest, named=named))

    def get(self, intent: Intent) -> Entry | None:
        """Return an open call of any process; None if it is resolved.

        Raises:
            StateError: The journal cannot be read.
        """
        found = () if self.journal is None else self.journal.matching(self.server, self.key, intent_id=intent.id)
        return next((entry for entry in self._own(found) if entry.intent == intent), None)

    def _own(self, entries: Iterable[Entry]) -> list[Entry]:
        return [entry for entry in entries if (entry.server, entry.key) == (self.server, self.key)]

    def require_own(self, intent: Intent) -> None:
        """Raise if *intent* is that of a call to another server, or of another key.

        Raises:
            UsageError: The reads of this key show nothing of what that call did.
        """
        # Neither is known of an intent that the caller built. What it proves is limited in `reconcile`.
        for what, theirs, ours in (("server", intent.server, self.server), ("account", intent.account, self.key)):
            if theirs not in ("", ours):
                words = (
                    f"{intent} is of another {what} ({theirs}) than this client ({ours}); use the client that sent it"
                )
                raise UsageError(words, endpoint=intent.endpoint)
