"""Keepers of order books: a kept book is right at its moment, or it cannot be read.

A keeper is pure. The runner hands it what happens (the subscription was confirmed, a frame or an order book came, the
line broke, time passed), each time with the moment *now* of a monotonic clock in seconds, and carries out the actions
that it returns. `WholeBook` keeps a channel each of whose frames is the whole book, `DiffBook` one of changed price
levels without numbers, `SequencedBook` one of numbered changes of single orders.

Rules for whoever carries the actions out:

- ``Fetch``: read the order book once, with the priority of its purpose. Each ends with `snapshot` or `failed`, both
  with the moment at which the read was handed over, or with `lost`. There is one at a time: a ``Fetch`` that comes
  while an audit waits for its turn takes its place. A read that was begun before `lost` or `confirmed` is better
  cancelled; its answer is ignored.
- ``Resubscribe``: give up the channel and subscribe again on the same line; then call `confirmed`.
- ``Turned``: the status changed; wake the readers. ``Change``: a readable book changed.
- Call `tick` at `next_tick`, or later; what is late is done late, never wrong. The moment can have come closer after
  every call that did not return a ``Change`` alone.
- All three are built as ``DiffBook(name, wall, settings)``: *name* for messages, such as ``bitstamp btcusd``; *wall*
  converts a moment of the monotonic clock to UTC; *settings* are `Settings`.
- On a move to another line a second keeper follows the new one, and takes the place of the first once it is good
  and not older.
"""

from exchanges.streams.keepers.actions import Action, Change, Fetch, Purpose, Resubscribe, Turned
from exchanges.streams.keepers.diff import DiffBook
from exchanges.streams.keepers.frames import LevelsFrame, LevelsSnapshot, OrderChange, OrdersFrame, OrdersSnapshot
from exchanges.streams.keepers.protocol import Keeper
from exchanges.streams.keepers.sequenced import SequencedBook
from exchanges.streams.keepers.settings import Settings
from exchanges.streams.keepers.whole import WholeBook

__all__ = [
    "Action",
    "Change",
    "DiffBook",
    "Fetch",
    "Keeper",
    "LevelsFrame",
    "LevelsSnapshot",
    "OrderChange",
    "OrdersFrame",
    "OrdersSnapshot",
    "Purpose",
    "Resubscribe",
    "SequencedBook",
    "Settings",
    "Turned",
    "WholeBook",
]
