"""Simulated sockets with faults."""

from exchanges.simulator import Faults, StreamFault, Venue
from tests.support.simulator_calls import NOW, simulated

BOOK = "order_book_btcusd"


def faulty(at: dict[StreamFault, float] | None = None, **options):
    """Simulate both exchanges with sockets, with faults."""
    faults = Faults(streams=at or {}, **options)
    return simulated(Venue.BITSTAMP, Venue.BITSO, clock=lambda: NOW, faults=faults)
