"""The steps from one currency to another, and what comes out of them, to the last digit.

Source:
    Bitex developer guide, Exchange Rates, "Using the Tree".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import (
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DecimalException,
    DivisionByZero,
    InvalidOperation,
    Overflow,
    localcontext,
)
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from attrs import field, frozen

from exchanges.errors import UsageError
from exchanges.wire import Amount, Deviation, Number, RawJson

if TYPE_CHECKING:
    from exchanges.wire import Json

__all__ = [
    "ExchangeRate",
    "FixedFee",
    "MinimumFee",
    "PercentualFee",
    "Step",
    "UnknownStep",
    "calculate",
    "calculate_backwards",
]

# Complete, so that neither the caller's context nor a changed default takes part. Forwards, a few steps of sixteen
# digits each stay exact.
_CONTEXT = Context(
    prec=100,
    rounding=ROUND_HALF_EVEN,
    Emin=-9999,
    Emax=9999,
    capitals=1,
    clamp=0,
    flags=[],
    traps=[DivisionByZero, InvalidOperation, Overflow],
)
_HUNDRED = Decimal(100)
_ONE = Decimal(1)
_TEXT = Number(text=True)


@frozen
class _KnownStep:
    """A step that can be taken and undone; ``type`` tells it apart on the wire."""

    type: ClassVar[str]

    @classmethod
    def from_wire(cls, value: dict[str, Json]) -> dict[str, Json]:
        if value.get("type") != cls.type:
            raise Deviation(f"a step of type {cls.type}")
        return {key: item for key, item in value.items() if key != "type"}

    @classmethod
    def to_wire(cls, value: dict[str, Json]) -> dict[str, Json]:
        return {"type": cls.type, **value}


@frozen
class ExchangeRate(_KnownStep):
    """Changes one currency into another. Wire: object of type ``exchange``.

    Source:
        Bitex developer guide, Exchange Rates, "Using the Tree".
    """

    type = "exchange"

    rate: Decimal
    """New currency per unit of the old one."""

    def after(self, amount: Decimal) -> Decimal:
        """Take the step."""
        return amount * self.rate

    def before(self, amount: Decimal) -> Decimal:
        """Undo the step."""
        return amount / self.rate


@frozen
class PercentualFee(_KnownStep):
    """Takes a share off. Wire: object of type ``percentual_fee``.

    Source:
        Bitex developer guide, Exchange Rates, "Using the Tree".
    """

    type = "percentual_fee"

    percentage: Decimal
    """Percent: 3.63 is 3.63 of every hundred."""

    def after(self, amount: Decimal) -> Decimal:
        """Take the step."""
        return amount - amount * self.percentage / _HUNDRED

    def before(self, amount: Decimal) -> Decimal:
        """Undo the step."""
        return amount * _HUNDRED / (_HUNDRED - self.percentage)


@frozen
class FixedFee(_KnownStep):
    """Takes the same off every amount. Wire: object of type ``fixed_fee``.

    Source:
        Bitex developer guide, Exchange Rates, "Using the Tree".
    """

    type = "fixed_fee"

    amount: Decimal
    """In the currency of the moment."""

    # Quirk: the guide's sample calculator multiplies by the fee, under a comment that says subtract. Words and the
    # exchange's own client subtract.
    def after(self, amount: Decimal) -> Decimal:
        """Take the step."""
        return amount - self.amount

    def before(self, amount: Decimal) -> Decimal:
        """Undo the step."""
        return amount + self.amount


@frozen
class MinimumFee(_KnownStep):
    """Takes a share off, but never less than a minimum. Wire: object of type ``minimum_fee``.

    Source:
        Bitex developer guide, Exchange Rates, "Using the Tree".
    """

    type = "minimum_fee"

    minimum: Decimal
    """In the currency of the moment: the smallest fee."""
    percentage: Decimal
    """Percent; taken where it comes to more than the minimum."""

    def after(self, amount: Decimal) -> Decimal:
        """Take the step."""
        return amount - max(self.minimum, amount * self.percentage / _HUNDRED)

    def before(self, amount: Decimal) -> Decimal:
        """Undo the step."""
        if self.percentage >= _HUNDRED:  # the same comes out of more than one amount
            raise DivisionByZero
        return max(amount + self.minimum, amount * _HUNDRED / (_HUNDRED - self.percentage))


@frozen
class UnknownStep:
    """A step of a type that the guide does not name; kept as it came, and never calculated with."""

    type: str
    """As it came."""
    fields: dict[str, RawJson] = field(factory=dict[str, RawJson])
    """Everything else, as it came."""

    @classmethod
    def from_wire(cls, value: dict[str, Json]) -> dict[str, Json]:
        """Tell the type from the rest."""
        return {"type": value.get("type"), "fields": {key: item for key, item in value.items() if key != "type"}}

    @classmethod
    def to_wire(cls, value: dict[str, Json]) -> dict[str, Json]:
        """Put type and rest together."""
        fields = value.get("fields")
        return {"type": value["type"], **(fields if isinstance(fields, dict) else {})}

    def after(self, amount: Decimal) -> Decimal:
        """Refuse."""
        raise UsageError(f"a step of type {self.type!r} is not known, so {amount} cannot be converted by it")

    def before(self, amount: Decimal) -> Decimal:
        """Refuse."""
        return self.after(amount)


Step: TypeAlias = ExchangeRate | PercentualFee | FixedFee | MinimumFee | UnknownStep
"""One step of a conversion."""


def calculate(amount: Amount, steps: Iterable[Step]) -> Decimal:
    """Say what *amount* becomes by *steps*.

    Exact to a hundred digits, whatever decimal context is set. Nothing is rounded to what a currency has, and where
    the fees exceed the amount the result is negative.

    Args:
        amount: In the first currency.
        steps: In order, as `RatesTree` holds them.

    Returns:
        In the last currency.

    Raises:
        UsageError: A step of unknown type; no exact number.

    Source:
        Bitex developer guide, Exchange Rates, "Using the Tree".
    """
    return _walk(amount, steps, lambda step: step.after)


def calculate_backwards(amount: Amount, steps: Iterable[Step]) -> Decimal:
    """Say what has to go into *steps* so that *amount* comes out: the inverse of `calculate`.

    Args:
        amount: In the last currency.
        steps: In the same order as for `calculate`.

    Returns:
        In the first currency, to a hundred digits where there is no end to them.

    Raises:
        UsageError: A step of unknown type, or one that cannot be undone: a rate of zero, a fee of all there is.

    Source:
        Bitex developer guide, Exchange Rates, "Using the Tree": each operation undone, the last one first.
    """
    return _walk(amount, reversed(tuple(steps)), lambda step: step.before)


def _walk(amount: Amount, steps: Iterable[Step], way: Callable[[Step], Callable[[Decimal], Decimal]]) -> Decimal:
    with localcontext(_CONTEXT):
        result = _number(amount)
        for step in steps:
            if not isinstance(step, Step):
                raise UsageError(f"a step is an ExchangeRate or a fee, not {type(step).__name__}")
            try:
                result = way(step)(result)
            except (TypeError, DecimalException):
                raise UsageError(f"{step} cannot be calculated with") from None
        return _short(result)


def _number(amount: Amount) -> Decimal:
    if isinstance(amount, bool) or not isinstance(amount, Decimal | int | str):
        raise UsageError(f"amount must be a Decimal, an int or a decimal str, not {type(amount).__name__}")
    try:
        number = _TEXT.read(amount, strict=True) if isinstance(amount, str) else Decimal(amount)
    except Deviation as deviation:
        raise UsageError(f"amount must be {deviation.expected}") from None
    if not number.is_finite():
        raise UsageError("amount must be finite")
    return number


def _short(number: Decimal) -> Decimal:
    """Leave out zeros at the end of a fraction; they are left over from the steps and say nothing."""
    if number.adjusted() < _CONTEXT.prec - 1 and number == number.to_integral_value():
        return number.quantize(_ONE)
    return number.normalize()
