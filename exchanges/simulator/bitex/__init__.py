"""Bitex, played whole: one module per counter, all of them over one `House`."""

from __future__ import annotations

from exchanges.simulator.bitex.backstage import Backstage
from exchanges.simulator.bitex.house import BitexAccount
from exchanges.simulator.bitex.play import BitexPlay

__all__ = ["Backstage", "BitexAccount", "BitexPlay"]
