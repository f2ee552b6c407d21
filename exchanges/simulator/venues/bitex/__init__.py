"""Bitex: one module for each area of its API; all of them share the accounts in `customers`."""

from __future__ import annotations

from exchanges.simulator.venues.bitex.venue import BitexExchange

__all__ = ["BitexExchange"]
