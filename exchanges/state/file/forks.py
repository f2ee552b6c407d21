"""What must be closed in the moment of a fork.

SQLite counts the locks of a process in its memory, which a forked child inherits: the child would trust locks that only
its parent has, acquire none of its own, and lose what it wrote when the parent closes the file and removes the log; or
find the file locked for ever by a transaction that its parent has long ended. So no connection is open while a process
forks: each is closed before, and opened again when it is next used, as it was opened first, with every check.

A child that is started with `subprocess` inherits nothing, and no fork is announced for it.
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import Protocol


class Closable(Protocol):
    """What is closed before a fork."""

    def before_fork(self) -> None:
        """Wait until nobody uses it, keep others from it, and close it."""

    def after_fork(self) -> None:
        """Release it for others, in the parent as in the child."""


_open: weakref.WeakSet[Closable] = weakref.WeakSet()
_closed: list[Closable] = []
_one_fork = threading.RLock()


def watch(closable: Closable) -> None:
    """Close *closable* before each fork, as long as it exists."""
    _open.add(closable)


def _before() -> None:
    _one_fork.acquire()
    for closable in list(_open):
        closable.before_fork()
        _closed.append(closable)


def _after() -> None:
    while _closed:
        _closed.pop().after_fork()
    _one_fork.release()


os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_after)
