"""Bitstamp: v1 with its body signature and its errors under status 200, and the public part of v2."""

from __future__ import annotations

from exchanges.simulator.venues.bitstamp.venue import BitstampExchange

__all__ = ["BitstampExchange"]
