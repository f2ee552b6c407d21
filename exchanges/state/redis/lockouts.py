"""Lockouts as text: those of one limit are one value, which the host reads, changes and writes back if it is the same.

The host whose call tries a lockout is written beside it, so that the others go on without it if it dies.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection

from attrs import asdict, astuple, define, evolve

from exchanges.limits.lockouts import Lockout, Lockouts
from exchanges.state.closures import KEPT_SECONDS
from exchanges.state.entries import Unreadable

_TEXTS = ("scope", "reason")


@define
class Closed:
    """The lockouts of one limit.

    Attributes:
        lockouts: Those that are not long over.
        hosts: Whose call tried them last, by scope.
    """

    lockouts: Lockouts
    hosts: dict[str, str]

    @classmethod
    def read(cls, written: str, now: float, alive: Collection[str] | None = None) -> Closed:
        """Parse what `write` returned.

        Args:
            written: It; empty for none.
            now: The moment, on the clock of the state.
            alive: The hosts that live; None if it does not matter who tries them.

        Raises:
            Unreadable: It is not what `write` returned.
        """
        found, hosts = list[Lockout](), dict[str, str]()
        for read, host in _parsed(written):
            is_given_up = alive is not None and host not in alive
            lockout = evolve(read, trying_until=-math.inf) if is_given_up else read
            if now < lockout.until + KEPT_SECONDS:
                found.append(lockout)
                hosts[lockout.scope] = host
        return cls(Lockouts(found), hosts)

    def write(self) -> str:
        """Render them; empty for none."""
        rows = [[astuple(lockout), self.hosts.get(lockout.scope, "")] for lockout in self.lockouts]
        return json.dumps(rows) if rows else ""


def _parsed(written: str) -> list[tuple[Lockout, str]]:
    try:
        rows = [(Lockout(*values), host) for values, host in json.loads(written or "[]")]
    except (TypeError, ValueError) as error:
        raise Unreadable(str(error)) from None
    for lockout, _ in rows:
        for name, value in asdict(lockout).items():
            if isinstance(value, str) is not (name in _TEXTS) or not isinstance(value, str | int | float):
                raise Unreadable(f"{name} is {type(value).__name__}")
    return rows


def shifted(lockout: Lockout, seconds: float) -> Lockout:
    """Return it with its moments on another clock."""
    return evolve(
        lockout,
        began=lockout.began + seconds,
        until=lockout.until + seconds,
        tried_at=lockout.tried_at + seconds,
        trying_until=lockout.trying_until + seconds,
    )
