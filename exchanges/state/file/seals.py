"""What shows that a state file is the one that was written last: checksums, and the number of the last transaction.

SQLite believes what it finds: a write-ahead log that is missing, cut short or altered is a shorter log to it, and an
older copy of the file is a file. So each transaction has a number, its generation, which is written to the database
with the transaction and, once it is committed, to a small file beside it. When the database is opened it must have
reached every generation that this file knows, and be the very file for which it was written.

A power failure may undo transactions that were not durable, so after another boot only the durable ones must be there.

Rules for editors: a generation is recorded after its commit, never before. A process that is killed in between leaves
a database that is ahead of the record, and nothing is wrong with that.
"""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

from attrs import define, field, frozen

from exchanges.state.file.locks import LockFile

BOOT = Path("/proc/sys/kernel/random/boot_id")
_RECORD = struct.Struct("<QII")  # number, boot, checksum of both
# Processes record in any order. A late one overwrites a newer generation only if it is exactly so many behind.
_RING = 64
_SIZE = (2 + 2 * _RING) * _RECORD.size  # identity, generations, durable generations


class Unsealed(Exception):
    """The database is not the one that was written last; the text continues "the state in ..."."""


def boot() -> str:
    """Return the id of this boot of the system; empty where the system has none."""
    try:
        return BOOT.read_text().strip()
    except OSError:
        return ""


def checksum(*values: str | None) -> int:
    """Return a number that shows whether *values* are what was written."""
    return zlib.crc32(repr(values).encode())


@frozen
class Identity:
    """Which database it is.

    Attributes:
        name: A random number, written into it when it was created.
        inode: The file in which it was created: a copy has another one.
    """

    name: int
    inode: int


@define(eq=False)
class Generations:
    """The record of the last generations of one database, for one thread."""

    file: LockFile
    _boot: int = field(init=False, factory=lambda: checksum(name) if (name := boot()) else 0)

    def create(self, identity: Identity, generation: int) -> None:
        """Start the record of a database that was created, or accepted as it is."""
        content = _pack(identity.name, 0) + _pack(identity.inode, 0)
        os.pwrite(self.file.number, content.ljust(_SIZE, b"\0"), 0)
        os.ftruncate(self.file.number, _SIZE)
        self.add(generation, durable=True)
        os.fsync(self.file.number)

    def add(self, generation: int, *, durable: bool) -> None:
        """Record that a generation is committed and, if it is *durable*, on the disk."""
        place = 2 + generation % _RING + (_RING if durable else 0)
        os.pwrite(self.file.number, _pack(generation, self._boot), place * _RECORD.size)

    def least(self, identity: Identity) -> int:
        """Return the generation that the database must have reached.

        Raises:
            Unsealed: The record is missing, damaged, or of another file.
        """
        content = os.pread(self.file.number, _SIZE + 1, 0)
        if not content:
            raise Unsealed("was copied or moved without its folder of lock files")
        if len(content) != _SIZE:
            raise Unsealed(f"cannot be trusted: {self.file.path} was altered")
        (name, _), (inode, _), *records = [self._read(*values) for values in _RECORD.iter_unpack(content)]
        if Identity(name, inode) != identity:
            raise Unsealed("was copied, restored or replaced")
        # Where boots have no id, each may be another one.
        recorded = [number for number, boot in records[:_RING] if boot == self._boot != 0]
        return max(recorded + [number for number, _ in records[_RING:]])

    def _read(self, number: int, boot: int, written: int) -> tuple[int, int]:
        if (number or boot or written) and _RECORD.pack(number, boot, written) != _pack(number, boot):
            raise Unsealed(f"cannot be trusted: {self.file.path} was altered")
        return number, boot


def _pack(number: int, boot: int) -> bytes:
    return _RECORD.pack(number, boot, checksum(str(number), str(boot)))
