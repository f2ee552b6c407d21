"""The scripts that a server runs, each of them one step that is done whole or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.resources import files

from attrs import field, frozen

from exchanges.limits.waits import LOOK_SECONDS
from exchanges.limits.windows import LOST_SECONDS, MARGIN_SECONDS
from exchanges.state.entries import KEPT_FOR, MOST_OPEN

NAMES = ("acquire", "release", "beat", "begin", "settle", "read", "reopen")
PARTS = ("first", "prelude", "last")
"""What is before and after each of them."""

CLOCK = "server.call('TIME')"
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
CHECK_SECONDS = 1.0
"""After how long a server is asked again whether it may delete keys by itself."""
PAGE = 500
"""How many open calls are read at once."""
FORMAT = "1"
"""Of what is kept. Another version of the library that keeps it otherwise has another."""
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
    text = {name: folder.joinpath(f"{name}.lua").read_text(encoding="utf-8") for name in (*NAMES, *PARTS)}
    before = f"{text['first']}{constants()}local time = {CLOCK}\n{text['prelude']}"
    return {name: Script(name, f"{before}{text[name]}{text['last']}") for name in NAMES}


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
        "CHECK": CHECK_SECONDS,
    }
    lines = [f"local {name} = {microseconds(seconds)}\n" for name, seconds in durations.items()]
    numbers = f"local MOST, OPEN, PAGE, FORMAT = {KEPT_NAMES}, {MOST_OPEN}, {PAGE}, '{FORMAT}'\n"
    return "".join([*lines, numbers])
