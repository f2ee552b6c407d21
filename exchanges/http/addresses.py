"""Name resolution with a short cache, and connecting to the first of several addresses that answers (RFC 8305).

A look-up runs in a thread that cannot be cancelled. So it belongs to the cache and not to a request: when a request
times out, the look-up continues, and the next request uses its result.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from itertools import chain, zip_longest

from attrs import field

from exchanges.values import define, frozen

__all__ = ["Address", "AddressCache", "connect"]

REMEMBERED_SECONDS = 30.0
HEAD_START_SECONDS = 0.25
MAX_ADDRESSES = 8


@frozen
class Address:
    """Where a socket connects to.

    Attributes:
        family: Of the socket.
        place: What `socket.socket.connect` takes.
    """

    family: int
    place: tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]


Name = tuple[str, int]
Lookup = asyncio.Task[tuple[Address, ...]]


@define(eq=False)
class AddressCache:
    """Resolves names, once for all concurrent requests, and caches the addresses for half a minute."""

    _known: dict[Name, tuple[float, tuple[Address, ...]]] = field(factory=dict[Name, tuple[float, tuple[Address, ...]]])
    _lookups: dict[Name, Lookup] = field(factory=dict[Name, Lookup])

    async def resolve(self, host: str, port: int) -> tuple[Address, ...]:
        """Return the addresses of *host*, alternating between the families.

        Raises:
            OSError: The name cannot be resolved.
        """
        if (literal := _literal(host, port)) is not None:
            return (literal,)
        key, now = (host, port), asyncio.get_running_loop().time()
        known = self._known.get(key)
        if known is not None and now < known[0] + REMEMBERED_SECONDS:
            return known[1]
        lookup = self._lookups.get(key)
        if lookup is None:
            lookup = self._lookups[key] = asyncio.create_task(_look_up(host, port), name=f"look up {host}")
            lookup.add_done_callback(lambda task: self._remember(key, task))
        await asyncio.wait((lookup,))  # `await lookup` would cancel it together with the request
        if lookup.cancelled():
            raise OSError("the look-up was cancelled")
        return lookup.result()

    def forget(self, host: str, port: int) -> None:
        """Remove the addresses of *host*, as none of them could be reached."""
        self._known.pop((host, port), None)

    async def aclose(self) -> None:
        """Cancel the look-ups that are running."""
        lookups = list(self._lookups.values())
        for lookup in lookups:
            lookup.cancel()
        if lookups:
            await asyncio.wait(lookups)

    def _remember(self, key: Name, lookup: Lookup) -> None:
        del self._lookups[key]
        # Retrieving the exception keeps asyncio from reporting it when no request waits any more.
        if not lookup.cancelled() and lookup.exception() is None:
            self._known[key] = (lookup.get_loop().time(), lookup.result())


async def connect(addresses: Sequence[Address]) -> socket.socket:
    """Return a socket connected to the first of *addresses* that answers.

    Each address has a head start of a quarter of a second before the next. All other sockets are closed.

    Raises:
        OSError: No address can be reached; the error of the first one.
    """
    if len(addresses) == 1:
        return await _connect(addresses[0])
    attempts: list[asyncio.Task[socket.socket]] = []
    winner = None
    try:
        winner = await _race(addresses, attempts)
        if winner.cancelled():  # from outside: not the request itself
            raise OSError("the attempt was cancelled")
        return winner.result()
    finally:
        for attempt in attempts:
            if attempt is not winner:
                attempt.cancel()
                attempt.add_done_callback(_close_socket)


def _close_socket(attempt: asyncio.Task[socket.socket]) -> None:
    """Close the socket of an attempt that succeeded too late."""
    if not attempt.cancelled() and attempt.exception() is None:
        attempt.result().close()


async def _race(
    addresses: Sequence[Address], attempts: list[asyncio.Task[socket.socket]]
) -> asyncio.Task[socket.socket]:
    """Return the first attempt that succeeds, or the first one if all fail; add all that were started to *attempts*."""
    pending: set[asyncio.Task[socket.socket]] = set()
    for number, address in enumerate(addresses, 1):
        attempt = asyncio.create_task(_connect(address), name="connect")
        attempts.append(attempt)
        pending.add(attempt)
        is_last = number == len(addresses)
        while pending:
            done, pending = await asyncio.wait(
                pending,
                timeout=None if is_last else HEAD_START_SECONDS,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for finished in attempts:  # in order of preference
                if finished in done and not finished.cancelled() and finished.exception() is None:
                    return finished
            if not is_last:  # one failed, or its head start is over
                break
    return attempts[0]


async def _connect(address: Address) -> socket.socket:
    opened = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        opened.setblocking(False)  # noqa: FBT003 - the signature is that of the standard library
        await asyncio.get_running_loop().sock_connect(opened, address.place)
    except BaseException:
        opened.close()
        raise
    return opened


async def _look_up(host: str, port: int) -> tuple[Address, ...]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    addresses = list(dict.fromkeys(Address(family, place) for family, _, _, _, place in found))
    if not addresses:
        raise OSError("the name has no address")
    first = [address for address in addresses if address.family == addresses[0].family]
    second = [address for address in addresses if address.family != addresses[0].family]
    in_turn = chain.from_iterable(zip_longest(first, second))
    return tuple(address for address in in_turn if address is not None)[:MAX_ADDRESSES]


def _literal(host: str, port: int) -> Address | None:
    """Return *host* itself if it is an address, which needs no look-up."""
    try:
        parsed = ipaddress.ip_address(host)
    except ValueError:
        return None
    return Address(socket.AF_INET if parsed.version == 4 else socket.AF_INET6, (host, port))
