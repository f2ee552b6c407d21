"""Bitso: v3 and v4 with their envelope and header signature, v2 with bare objects and body signature."""

from __future__ import annotations

from exchanges.simulator.venues.bitso.venue import BitsoExchange

__all__ = ["BitsoExchange"]
