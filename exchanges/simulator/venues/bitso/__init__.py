"""Bitso, played whole: v3 and v4 with their envelope and header signature, v2 with bare objects and body signature."""

from __future__ import annotations

from exchanges.simulator.venues.bitso.controls import BitsoBackstage
from exchanges.simulator.venues.bitso.venue import BitsoPlay

__all__ = ["BitsoBackstage", "BitsoPlay"]
