"""A real HTTP server on loopback that simulates Bitex, Bitso and Bitstamp, for tests and for trying things out.

In a block::

    async with simulate(Venue.BITSTAMP) as simulator:
        credentials = simulator.account(Venue.BITSTAMP)
        async with Bitstamp(base_url=simulator.base_url, **credentials) as bitstamp:
            balance = await bitstamp.v1.account.balance()

Time passes with the wall clock, and `Simulator.advance` moves it forward. `Simulator.controls` does what happens at an
exchange without its API: prices are set, money is deposited, orders trade; Bitex keeps what it posts to its customers.

No faults are injected by default: ``simulate(faults=Faults({FaultPoint.CLOSE_AFTER_EXECUTING: 0.05}))``, or
`Simulator.faults` at any time, injects them. What was requested and what was executed, whatever the answers said, is in
`Simulator.requests` and `Simulator.deeds`. `proxy` disturbs the connection to it. Without a socket, as in virtual time,
requests come by `Simulator.receive`.

Paths, arguments and answers are those that the clients declare. Everything else (keys, signatures, the order of nonces,
limits) is checked by code of its own, so that a client and the simulator agree only if both are right.
"""

from __future__ import annotations

from exchanges.simulator.faults.points import FaultPoint, Faults
from exchanges.simulator.faults.stream_points import StreamFault
from exchanges.simulator.proxy import Line, Proxy, proxy
from exchanges.simulator.record import Deed, Seen, Venue
from exchanges.simulator.simulator import Simulator, serve, simulate
from exchanges.simulator.venues.controls import BitexControls, BitsoControls, BitstampControls
from exchanges.simulator.venues.socket_controls import Cut
from exchanges.simulator.webhooks import Deliver, Delivery, forward_to

# The names under which the controls were first published.
Backstage = BitexControls
BitsoBackstage = BitsoControls
BitstampBackstage = BitstampControls

__all__ = [
    "Backstage",
    "BitexControls",
    "BitsoBackstage",
    "BitsoControls",
    "BitstampBackstage",
    "BitstampControls",
    "Cut",
    "Deed",
    "Deliver",
    "Delivery",
    "FaultPoint",
    "Faults",
    "Line",
    "Proxy",
    "Seen",
    "Simulator",
    "StreamFault",
    "Venue",
    "forward_to",
    "proxy",
    "serve",
    "simulate",
]
