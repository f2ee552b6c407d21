"""The last nonce of each key, in the file of a state. It never goes back."""

from __future__ import annotations

from pathlib import Path
from sqlite3 import Connection

from exchanges.state.file.database import damaged
from exchanges.state.file.seals import checksum


def check(data: Connection, path: Path) -> None:
    """Read all nonces, so that a damaged one is refused when the file at *path* is opened."""
    for account in data.execute("SELECT server, key FROM nonces").fetchall():
        _last(data, path, account)


def draw(data: Connection, path: Path, account: tuple[str, str], least: int) -> int:
    """Return a nonce larger than every one before, and at least *least*."""
    nonce = max(least, _last(data, path, account) + 1)
    _write(data, account, nonce)
    return nonce


def raise_to(data: Connection, path: Path, account: tuple[str, str], floor: int) -> None:
    """Raise the next nonce above *floor*."""
    if floor > _last(data, path, account):
        _write(data, account, floor)


def _last(data: Connection, path: Path, account: tuple[str, str]) -> int:
    row = data.execute("SELECT last, seal FROM nonces WHERE server = ? AND key = ?", account).fetchone()
    if row is None:
        return 0
    last, written = row
    if checksum(*account, last) != written:
        raise damaged(path, "contains a nonce that was changed")
    return int(last)


def _write(data: Connection, account: tuple[str, str], nonce: int) -> None:
    last = str(nonce)  # text: nineteen digits do not fit the integers of SQLite
    data.execute(
        "INSERT INTO nonces (server, key, last, seal) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (server, key) DO UPDATE SET last = excluded.last, seal = excluded.seal",
        (*account, last, checksum(*account, last)),
    )
