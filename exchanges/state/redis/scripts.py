"""The scripts that a server runs, each of them one step that is done whole or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.resources import files

from attrs import field, frozen

from exchanges.limits.waits import LOOK_SECONDS
from exchanges.limits.windows import LOST_SECONDS, MARGIN_SECONDS
from exchanges.state.entries import KEPT_FOR

NAMES = ("acquire", "release", "beat", "begin", "settle", "read", "reopen")

CLOCK = "redis.call('TIME')"
"""The clock of the server: seconds and microseconds."""
LEASE_SECONDS = 5.0
"""For how long a host is taken to live after it was heard of last."""
JUMP_SECONDS = 5.0
"""By how much a server may be ahead of what a host expects, before its clock counts as set."""
POLL_SECONDS = 0.25
"""How often a call asks again that waits for a key lock, if nobody wakes it."""
GRACE_SECONDS = 0.25
"""How long room stays reserved after it is free: the host that waits for it has yet to ask."""
PATIENCE_SECONDS = 1.0
"""How long after that a host keeps its place in the line."""
KEPT_NAMES = 100_000
"""How many ids of what was created are kept of one key."""


@frozen
class Script:
    """One script.

    Attributes:
        name: For messages.
        text: Its source.
        sha: By which a server knows it.
    """

    name: str
    text: str = field(repr=False)
    sha: str = field(init=False)

    def __attrs_post_init__(self) -> None:
        # Frozen: set once, here.
        object.__setattr__(self, "sha", hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest())


def scripts() -> Mapping[str, Script]:
    """Return all scripts, by name."""
    folder = files("exchanges.state.redis").joinpath("lua")
    prelude = constants() + f"local time = {CLOCK}\n" + folder.joinpath("prelude.lua").read_text(encoding="utf-8")
    sources = {name: folder.joinpath(f"{name}.lua").read_text(encoding="utf-8") for name in NAMES}
    return {name: Script(name, prelude + source) for name, source in sources.items()}


def microseconds(seconds: float) -> int:
    """Convert to the unit of all moments and durations of a server."""
    return round(seconds * 1_000_000)


def constants() -> str:
    """Return the constants of all scripts, as their first lines."""
    durations = {
        "LEASE": LEASE_SECONDS,
        "JUMP": JUMP_SECONDS,
        "MARGIN": MARGIN_SECONDS,
        "LOST": LOST_SECONDS,
        "LOOK": LOOK_SECONDS,
        "POLL": POLL_SECONDS,
        "GRACE": GRACE_SECONDS,
        "PATIENCE": PATIENCE_SECONDS,
        "KEPT": KEPT_FOR.total_seconds(),
    }
    lines = [f"local {name} = {microseconds(seconds)}\n" for name, seconds in durations.items()]
    return "".join([*lines, f"local MOST = {KEPT_NAMES}\n"])
