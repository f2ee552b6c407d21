"""Recorded calls by what the guard asks for: an intent, a digest, an id that a caller chose. No waiting.

The guard is asked twice for every order, however many calls are unresolved: it must not go through them all.
"""

from __future__ import annotations

from collections import UserDict, defaultdict
from collections.abc import Collection, Iterable
from typing import Generic, Protocol, TypeVar

from exchanges.intents import Intent


class Recorded(Protocol):
    """A recorded call."""

    @property
    def intent(self) -> Intent:
        """What it is to do."""
        ...

    @property
    def digest(self) -> str:
        """Equal for calls that would do the same."""
        ...


R = TypeVar("R", bound=Recorded)

TAG = ""
"""Stands for the tag of a call among the names of its arguments."""


def _text(intent: Intent, argument: str) -> str:
    return (intent.tag if argument == TAG else intent.arguments.get(argument)) or ""


class CallIndex(UserDict[Intent, R], Generic[R]):
    """Recorded calls by intent, in the order in which they were recorded."""

    def __init__(self) -> None:
        self._digests = defaultdict[str, dict[Intent, R]](dict)
        self._texts: dict[str, defaultdict[str, set[Intent]]] = {}
        super().__init__()

    def __setitem__(self, intent: Intent, call: R) -> None:
        """Add a call, or replace what was known of it."""
        if intent in self.data:
            del self[intent]
        super().__setitem__(intent, call)
        self._digests[call.digest][intent] = call
        for name, texts in self._texts.items():
            texts[_text(intent, name)].add(intent)

    def __delitem__(self, intent: Intent) -> None:
        """Remove a call."""
        digest = self.data.pop(intent).digest
        del self._digests[digest][intent]
        if not self._digests[digest]:
            del self._digests[digest]
        for name, texts in self._texts.items():
            text = _text(intent, name)
            texts[text].discard(intent)
            if not texts[text]:
                del texts[text]

    def update_to(self, calls: Collection[R]) -> None:
        """Add and remove what differs from *calls*, which are in order."""
        for intent in self.keys() - {call.intent for call in calls}:
            del self[intent]
        for call in calls:
            if self.get(call.intent) is not call:
                self[call.intent] = call

    def twins(self, digest: str) -> Iterable[R]:
        """Return the calls of a digest."""
        return self._digests[digest].values() if digest in self._digests else ()

    def naming(self, argument: str, text: str) -> Iterable[Intent]:
        """Return the intents of the calls whose argument of this name, or tag, is *text*."""
        if argument not in self._texts:
            # Few programs choose ids of their own: what they ask for is indexed from the first time on.
            texts = self._texts[argument] = defaultdict(set)
            for intent in self:
                texts[_text(intent, argument)].add(intent)
        return self._texts[argument].get(text, ())
