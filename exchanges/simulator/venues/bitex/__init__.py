"""Bitex, played whole: one module per counter, all of them over one `House`."""

from __future__ import annotations

from exchanges.simulator.venues.bitex.base import BitexAccount
from exchanges.simulator.venues.bitex.controls import Backstage
from exchanges.simulator.venues.bitex.venue import BitexPlay

__all__ = ["Backstage", "BitexAccount", "BitexPlay"]
