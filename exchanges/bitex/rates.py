"""Exchange rates and the cost of moving money, fees of third parties included."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from exchanges.bitex.api import API
from exchanges.bitex.models.rates import RatesPath, RatesTree, calculate, calculate_backwards, text_of_path
from exchanges.endpoint import Area, Param, public
from exchanges.wire import Amount


class Rates(Area, api=API):
    """Estimates of the result of moving money between currencies and services.

    Each conversion is a list of steps: exchange rates and fees, which are percentages, fixed amounts, or percentages
    with a minimum. `calculate` applies them locally and exactly, and `calculate_backwards` reverses them;
    `calculate_path` lets the exchange calculate.
    """

    calculate = staticmethod(calculate)
    calculate_backwards = staticmethod(calculate_backwards)

    @public("GET /rates/tree")
    async def tree(self) -> RatesTree:
        """Return all conversions with their steps, by path.

        Returns:
            Wire: object of objects, five deep as documented, with lists of steps at the ends.

        Source:
            Bitex developer guide, Exchange Rates, "Rates Tree".
        """
        ...

    @public("GET /rates/calculate_path")
    async def calculate_path(
        self, *, amount: Amount, path: Annotated[str | RatesPath, Param(type="str", render=text_of_path)]
    ) -> Decimal:
        """Calculate one conversion at the exchange.

        Args:
            amount: In the first currency of *path*.
            path: Such as ``ars/cash/btc/bitex/more_mt``, or a tuple of the same parts.

        Returns:
            In the last currency of *path*. Wire: a bare number; the guide shows no answer.

        Source:
            Bitex developer guide, Exchange Rates, "Hosted Calculator".
        """
        ...
