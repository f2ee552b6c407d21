"""Preparing a call: checks before anything waits. The reads that were prepared last are kept.

Most programs repeat a few reads, with the same arguments. A prepared call never changes, so one can be sent again.
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping
from datetime import UTC, datetime
from typing import Any

from exchanges.endpoint import READ, Endpoint
from exchanges.endpoint.arguments import refusing
from exchanges.endpoint.call import PreparedCall, prepare
from exchanges.endpoint.definition import PRIVATE
from exchanges.session.config import Options, SessionConfig

__all__ = ["MOST_READS", "Preparer"]

MOST_READS = 64
_PLAIN = frozenset({str, int})


class Preparer:
    """Prepares the calls of one session."""

    def __init__(self, config: SessionConfig) -> None:
        self._config = config
        self._reads: dict[Hashable, PreparedCall] = {}

    def prepare(
        self, endpoint: Endpoint, arguments: Mapping[str, Any], options: Options, base_url: str
    ) -> PreparedCall:
        """Return a checked call.

        Raises:
            UsageError: The arguments or the clock are wrong, or the call must not be made now; nothing is sent.
        """
        self._config.wall_clock.check()
        # By their types: 1, 1.0 and True are equal, and a subclass may change what it says. Secrets are not kept.
        if endpoint.kind is READ and not endpoint.has_secrets and _PLAIN.issuperset(map(type, arguments.values())):
            call = self._read(endpoint, arguments, options, base_url)
        else:
            call = self._new(endpoint, arguments, options, base_url)
        if endpoint.before is not None:
            now = datetime.fromtimestamp(self._config.wall_clock(), UTC)
            refusing(endpoint.before)(endpoint, arguments, now)
        return call

    def _read(self, endpoint: Endpoint, arguments: Mapping[str, Any], options: Options, base_url: str) -> PreparedCall:
        key = (endpoint, options, *arguments.items())
        call = self._reads.get(key)
        if call is None:
            call = self._new(endpoint, arguments, options, base_url)
            if len(self._reads) >= MOST_READS:
                self._reads.clear()
            self._reads[key] = call
        return call

    def _new(self, endpoint: Endpoint, arguments: Mapping[str, Any], options: Options, base_url: str) -> PreparedCall:
        return prepare(
            endpoint,
            arguments,
            base_url,
            acting=options.private_fields if endpoint.access is PRIVATE else {},
            tag=f"aio-{os.urandom(16).hex()}" if endpoint.kind.is_once else None,
            credentials=self._config.credentials,
        )
