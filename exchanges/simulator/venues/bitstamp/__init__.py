"""Bitstamp, played whole: v1 with its body signature and its errors under status 200, the public part of v2."""

from __future__ import annotations

from exchanges.simulator.venues.bitstamp.controls import BitstampBackstage
from exchanges.simulator.venues.bitstamp.venue import BitstampPlay

__all__ = ["BitstampBackstage", "BitstampPlay"]
