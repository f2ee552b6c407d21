"""A real HTTP server on loopback that plays Bitex, Bitso and Bitstamp, for tests and for trying things out.

In a block::

    async with simulate(Venue.BITSTAMP) as simulator:
        credentials = simulator.account(Venue.BITSTAMP)
        async with Bitstamp(base_url=simulator.base_url, **credentials) as bitstamp:
            balance = await bitstamp.v1.account.balance()

Time passes as on the wall, and `Simulator.advance` moves it on. `Simulator.bitex` does what happens at Bitex without
its API, and keeps what Bitex posts to its customers; `Simulator.bitso` and `Simulator.bitstamp` let deposits come.

It is polite unless told otherwise: ``simulate(faults=Faults({FaultPoint.CLOSE_AFTER_EXECUTING: 0.05}))``, or
`Simulator.faults` at any time. What was asked and what was really done, whatever the answers said, stands in
`Simulator.requests` and `Simulator.deeds`. `proxy` makes the line to it a bad one. Without a socket, as in virtual
time, requests come by `Simulator.receive`.

It takes what the clients declare as the truth about paths, arguments and answers, and checks all else (keys,
signatures, the order of nonces, limits) by code of its own, so that a client and the simulator agree only if both are
right.
"""

from __future__ import annotations

from exchanges.simulator.faults.points import FaultPoint, Faults
from exchanges.simulator.proxy import Line, Proxy, proxy
from exchanges.simulator.record import Deed, Seen, Venue
from exchanges.simulator.simulator import Simulator, serve, simulate
from exchanges.simulator.venues.bitex import Backstage
from exchanges.simulator.venues.bitso import BitsoBackstage
from exchanges.simulator.venues.bitstamp import BitstampBackstage
from exchanges.simulator.webhooks import Deliver, Delivery, forward_to

__all__ = [
    "Backstage",
    "BitsoBackstage",
    "BitstampBackstage",
    "Deed",
    "Deliver",
    "Delivery",
    "FaultPoint",
    "Faults",
    "Line",
    "Proxy",
    "Seen",
    "Simulator",
    "Venue",
    "forward_to",
    "proxy",
    "serve",
    "simulate",
]
