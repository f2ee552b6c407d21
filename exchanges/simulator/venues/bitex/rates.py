"""Rates of exchanging and transferring money: fixed values whose steps use all four kinds."""

from __future__ import annotations

from decimal import Decimal

from exchanges.bitex.rates import Rates
from exchanges.simulator.engine.arithmetic import EXACT
from exchanges.simulator.engine.rejections import Reason, Refused
from exchanges.simulator.venues.bitex.customers import BitexCall
from exchanges.simulator.venues.handlers import Handlers, answers, handles
from exchanges.wire import Json

USD_PER_UNIT = {
    "USD": Decimal(1),
    "ARS": Decimal("0.0625"),
    "UYU": Decimal("0.035"),
    "EUR": Decimal("1.08"),
    "CLP": Decimal("0.0015"),
    "PEN": Decimal("0.3"),
    "BRL": Decimal("0.31"),
    "COP": Decimal("0.00034"),
    "MXN": Decimal("0.053"),
}
"""Value of one unit of a currency, for deposits, payments and rates."""
USD_PER_BTC, BTC_PER_USD = Decimal(60_000), Decimal("0.0000166667")
_UNITS_PER_USD = {"ARS": Decimal(16), "PEN": Decimal("3.3")}
_EXACT = EXACT.copy()
_EXACT.prec = 28
_FINEST = Decimal("1E-24")  # the smallest that JSON readers accept

Steps = list[Json]


def _exchange(rate: Decimal) -> Json:
    return {"type": "exchange", "rate": rate}


def _fee(kind: str, **amounts: str) -> Json:
    return {"type": f"{kind}_fee", **{name: Decimal(amount) for name, amount in amounts.items()}}


def _paths() -> dict[str, Steps]:
    trading, banking = _fee("percentual", percentage="0.5"), _fee("minimum", minimum="60", percentage="0.8")
    paths: dict[str, Steps] = {
        "usd/bank/usd/bitex/international_bank": [_fee("fixed", amount="25"), banking],
        "usd/bitex/usd/bank/international_bank": [banking],
        "usd/bitex/btc/bitex/market": [_exchange(BTC_PER_USD), trading],
        "btc/bitex/usd/bitex/market": [_exchange(USD_PER_BTC), trading],
        "usd/cash/vef/cash/reference": [_exchange(Decimal("389.795"))],
    }
    for currency, per_usd in _UNITS_PER_USD.items():
        name = currency.lower()
        in_usd: Steps = [_exchange(USD_PER_UNIT[currency]), _fee("percentual", percentage="3.63")]
        out: Steps = [_fee("fixed", amount="2.5"), _exchange(per_usd), _fee("percentual", percentage="1.5")]
        paths[f"{name}/cash/usd/bitex/more_mt"] = in_usd
        paths[f"{name}/cash/btc/bitex/more_mt"] = [*in_usd, _exchange(BTC_PER_USD), trading]
        paths[f"usd/bitex/{name}/cash/more_mt"] = out
    return paths


_PATHS = _paths()


def _tree() -> Json:
    """Return all paths, as objects within objects."""
    tree: dict[str, Json] = {}
    for path, steps in _PATHS.items():
        branch = tree
        *parts, last = path.split("/")
        for part in parts:
            below = branch.setdefault(part, {})
            branch = below if isinstance(below, dict) else {}
        branch[last] = steps
    return tree


class RatesHandlers(Handlers):
    """Estimates. Nothing else in the simulator depends on them."""

    tree = answers(Rates.tree, lambda _, __: _tree())

    @handles(Rates.calculate_path)
    def calculate_path(self, call: BitexCall) -> object:
        """Apply the steps of one path."""
        steps = _PATHS.get(call.arguments.text("path"))
        if steps is None:
            raise Refused(Reason.NOT_FOUND)
        amount = call.arguments.decimal("amount")
        for step in steps:
            amount = _after(amount, step if isinstance(step, dict) else {})
        # Products have up to 28 digits, which for a small amount are more decimals than the wire can hold.
        return amount if abs(amount) >= 1 else amount.quantize(_FINEST)


def _after(amount: Decimal, step: dict[str, Json]) -> Decimal:
    """Apply one step; its fields tell its kind."""
    numbers = {key: value for key, value in step.items() if isinstance(value, Decimal)}
    if "rate" in numbers:
        return _EXACT.multiply(amount, numbers["rate"])
    fee = _EXACT.multiply(amount, numbers.get("percentage", Decimal(0)) / 100)
    return _EXACT.subtract(amount, max(fee, numbers.get("minimum", numbers.get("amount", fee))))
