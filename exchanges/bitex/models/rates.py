"""The tree of conversions: the steps from one currency to another, and their exact result.

Source:
    Bitex developer guide, Exchange Rates, "Rates Tree" and "Using the Tree".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
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
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeAlias, cast

from attrs import field

from exchanges.endpoint.arguments import refusing
from exchanges.errors import DecodeError, UsageError
from exchanges.values import frozen
from exchanges.wire import Amount, Deviation, Model, Number, RawJson, encode
from exchanges.wire.converter import wire

if TYPE_CHECKING:
    from exchanges.wire import Json

# Every field is set, so that neither the caller's context nor a changed default takes part. Forwards, a few steps of
# sixteen digits each stay exact.
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
MAX_PARTS = 16  # the guide's paths have five

RatesPath: TypeAlias = tuple[str, ...]
"""The path of a conversion: from which currency and place, to which currency and place, by which service."""


@frozen
class _KnownStep:
    """A step with a known calculation, identified by ``type`` on the wire."""

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
class ExchangeRate(_KnownStep, Model):
    """Converts one currency into another. Wire: object of type ``exchange``.

    Source:
        Bitex developer guide, Exchange Rates, "Using the Tree".
    """

    type = "exchange"

    rate: Decimal
    """New currency per unit of the old one."""

    def after(self, amount: Decimal) -> Decimal:
        """Return the amount after the step."""
        return amount * self.rate

    def before(self, amount: Decimal) -> Decimal:
        """Return the amount before the step."""
        return amount / self.rate


@frozen
class PercentualFee(_KnownStep, Model):
    """Deducts a percentage. Wire: object of type ``percentual_fee``.

    Source:
        Bitex developer guide, Exchange Rates, "Using the Tree".
    """

    type = "percentual_fee"

    percentage: Decimal
    """Percent: 3.63 is 3.63 of every hundred."""

    def after(self, amount: Decimal) -> Decimal:
        """Return the amount after the step."""
        return amount - amount * self.percentage / _HUNDRED

    def before(self, amount: Decimal) -> Decimal:
        """Return the amount before the step."""
        return amount * _HUNDRED / (_HUNDRED - self.percentage)


@frozen
class FixedFee(_KnownStep, Model):
    """Deducts the same from every amount. Wire: object of type ``fixed_fee``.

    Source:
        Bitex developer guide, Exchange Rates, "Using the Tree".
    """

    type = "fixed_fee"

    amount: Decimal
    """In the currency at this step: the fee."""

    # Quirk: the guide's sample calculator multiplies by the fee, under a comment that says subtract. Words and the
    # exchange's own client subtract.
    def after(self, amount: Decimal) -> Decimal:
        """Return the amount after the step."""
        return amount - self.amount

    def before(self, amount: Decimal) -> Decimal:
        """Return the amount before the step."""
        return amount + self.amount


@frozen
class MinimumFee(_KnownStep, Model):
    """Deducts a percentage, but at least a minimum. Wire: object of type ``minimum_fee``.

    Source:
        Bitex developer guide, Exchange Rates, "Using the Tree".
    """

    type = "minimum_fee"

    minimum: Decimal
    """In the currency at this step: the smallest fee."""
    percentage: Decimal
    """Percent: the fee where it is more than the minimum."""

    def after(self, amount: Decimal) -> Decimal:
        """Return the amount after the step."""
        # Of the two fees the larger one counts (guide), so a small amount pays the minimum.
        return amount - max(self.minimum, amount * self.percentage / _HUNDRED)

    def before(self, amount: Decimal) -> Decimal:
        """Return the amount before the step."""
        # At a hundred percent and more, several amounts have the same result, so there is no inverse.
        if self.percentage >= _HUNDRED:
            raise DivisionByZero
        return max(amount + self.minimum, amount * _HUNDRED / (_HUNDRED - self.percentage))


@frozen
class UnknownStep(Model):
    """A step of a type that the guide does not name: kept as received, never calculated with."""

    type: str
    """As received."""
    fields: dict[str, RawJson] = field(factory=dict[str, RawJson])
    """All other fields, as received."""

    @classmethod
    def from_wire(cls, value: dict[str, Json]) -> dict[str, Json]:
        """Separate the type from the other fields."""
        return {"type": value.get("type"), "fields": {key: item for key, item in value.items() if key != "type"}}

    @classmethod
    def to_wire(cls, value: dict[str, Json]) -> dict[str, Json]:
        """Merge the type into the other fields."""
        fields = value.get("fields")
        return {"type": value["type"], **(fields if isinstance(fields, dict) else {})}

    def after(self, amount: Decimal) -> Decimal:
        """Raise: the calculation is not known."""
        raise UsageError(f"a step of type {self.type!r} is not known, so {amount} cannot be converted by it")

    def before(self, amount: Decimal) -> Decimal:
        """Raise: the calculation is not known."""
        return self.after(amount)


Step: TypeAlias = ExchangeRate | PercentualFee | FixedFee | MinimumFee | UnknownStep
"""One step of a conversion."""

_STEPS: dict[str, type[ExchangeRate | PercentualFee | FixedFee | MinimumFee]] = {
    cls.type: cls for cls in (ExchangeRate, PercentualFee, FixedFee, MinimumFee)
}


class _Branches:
    """The codec of the tree: objects within objects, with lists of steps at the ends."""

    def read(self, value: Json, *, strict: bool) -> dict[RatesPath, tuple[Step, ...]]:
        """Flatten the tree into a table by path."""
        table: dict[RatesPath, tuple[Step, ...]] = {}
        # A stack instead of recursion: the depth is the exchange's choice.
        stack: list[tuple[RatesPath, Json]] = [((), value)]
        while stack:
            path, node = stack.pop()
            if isinstance(node, dict) and len(path) < MAX_PARTS:
                # Reversed, because a stack returns last things first: the table keeps the order of the exchange.
                stack.extend(((*path, part), below) for part, below in reversed(node.items()))
            elif isinstance(node, list) and path:
                table[path] = tuple(_step(item, strict=strict) for item in node)
            else:
                raise Deviation("a list of steps, or an object of more branches", f": {'/'.join(path)}")
        if not table:
            raise Deviation("at least one conversion")
        return table

    def write(self, value: Mapping[RatesPath, tuple[Step, ...]]) -> Json:
        """Build the tree from the table."""
        tree: dict[str, Json] = {}
        for path, steps in value.items():
            branch = tree
            for part in path[:-1]:
                branch = cast("dict[str, Json]", branch.setdefault(part, {}))
            branch[path[-1]] = encode(steps)
        return tree


def _step(item: Json, *, strict: bool) -> Step:
    kind = item.get("type") if isinstance(item, dict) else None
    known = _STEPS.get(kind) if isinstance(kind, str) else None  # a list or an object cannot be a key
    if known is None and strict:
        raise Deviation(f"a step of type {', '.join(_STEPS)}")
    try:
        return cast("Step", wire(strict=strict).structure(item, known or UnknownStep, "step"))
    except DecodeError as error:
        # The caller names the path; here only what was expected matters.
        raise Deviation(str(error).rpartition("expected ")[2]) from None


def _read_only(table: Mapping[RatesPath, tuple[Step, ...]]) -> Mapping[RatesPath, tuple[Step, ...]]:
    return MappingProxyType(dict(table))


@frozen(eq=False)
class RatesTree(Mapping[RatesPath, "tuple[Step, ...]"], Model):
    """All conversions that Bitex publishes: an immutable mapping from path to steps. Wire: nested object.

    ``tree["ars", "cash", "usd", "bitex", "more_mt"]`` returns the steps from pesos in cash to dollars at Bitex through
    MoreMT; ``tree["ars/cash/usd/bitex/more_mt"]`` the same. Some paths, such as usd/cash/vef/cash/reference, are for
    reference only: no service offers them.

    Source:
        Bitex developer guide, Exchange Rates, "Rates Tree".
    """

    branches: Annotated[Mapping[RatesPath, tuple[Step, ...]], _Branches()] = field(converter=_read_only)
    """Steps by path, read-only."""

    @classmethod
    def from_wire(cls, value: dict[str, Json]) -> dict[str, Json]:
        """Read the whole object as the table of branches; there is always one."""
        if not any(isinstance(branch, dict) for branch in value.values()):
            raise Deviation("an object of branches", ": RatesTree")
        return {"branches": value}

    @classmethod
    def to_wire(cls, value: dict[str, Json]) -> dict[str, Json]:
        """Write the table of branches as the whole object."""
        return cast("dict[str, Json]", value["branches"])

    @property
    def paths(self) -> tuple[RatesPath, ...]:
        """All paths, in the exchange's order."""
        return tuple(self.branches)

    def __getitem__(self, path: RatesPath | str) -> tuple[Step, ...]:
        return self.branches[tuple(path.split("/")) if isinstance(path, str) else path]

    def __iter__(self) -> Iterator[RatesPath]:
        return iter(self.branches)

    def __len__(self) -> int:
        return len(self.branches)

    def __repr__(self) -> str:
        return f"RatesTree({len(self)} paths)"

    def __reduce__(self) -> tuple[Any, ...]:
        return RatesTree, (dict(self.branches),)  # a mapping proxy cannot be pickled


def text_of_path(path: object) -> str:
    """Render a path as the exchange expects it, parts separated by slashes.

    Raises:
        TypeError: Neither a `str` nor a tuple.
        ValueError: A part is empty, or there are none or too many.
    """
    parts = path.split("/") if isinstance(path, str) else path
    if not isinstance(parts, tuple | list):
        raise TypeError("must be a str such as ars/cash/btc/bitex/more_mt, or a tuple of its parts")
    parts = cast("list[object]", parts)
    valid = [p for p in parts if isinstance(p, str) and p and p.isprintable() and "/" not in p]
    if not 0 < len(valid) == len(parts) <= MAX_PARTS:
        raise ValueError("must be a path such as ars/cash/btc/bitex/more_mt, no part of it empty")
    return "/".join(valid)


@refusing
def calculate(amount: Amount, steps: Iterable[Step]) -> Decimal:
    """Return what *amount* becomes after *steps*.

    Exact to a hundred digits, whatever decimal context is set. Nothing is rounded to the digits of a currency, and if
    the fees exceed the amount the result is negative.

    Args:
        amount: In the first currency.
        steps: In the order of `RatesTree`.

    Returns:
        In the last currency.

    Raises:
        UsageError: A step of unknown type, or a number that is not exact.

    Source:
        Bitex developer guide, Exchange Rates, "Using the Tree".
    """
    return _apply(amount, steps, lambda step: step.after)


@refusing
def calculate_backwards(amount: Amount, steps: Iterable[Step]) -> Decimal:
    """Return the amount that becomes *amount* after *steps*: the inverse of `calculate`.

    Args:
        amount: In the last currency.
        steps: In the same order as for `calculate`.

    Returns:
        In the first currency, rounded to a hundred digits if there are more.

    Raises:
        UsageError: A step of unknown type, or one without an inverse: a rate of zero, a fee of 100 percent.

    Source:
        Bitex developer guide, Exchange Rates, "Using the Tree": each operation reversed, the last one first.
    """
    # Quirk: the exchange's own client reverses each step but not their order, and rounds in between; the guide reverses
    # both.
    return _apply(amount, reversed(tuple(steps)), lambda step: step.before)


def _apply(amount: Amount, steps: Iterable[Step], operation: Callable[[Step], Callable[[Decimal], Decimal]]) -> Decimal:
    with localcontext(_CONTEXT):
        result = _number(amount)
        for step in steps:
            if not isinstance(step, Step):
                raise UsageError(f"a step is an ExchangeRate or a fee, not {type(step).__name__}")
            try:
                result = operation(step)(result)
            except (TypeError, DecimalException):
                raise UsageError(f"{step} cannot be calculated with") from None
        return _shortest(result)


def _number(amount: Amount) -> Decimal:
    # A bool is an int to Python, and a float has lost digits already.
    if isinstance(amount, bool) or not isinstance(amount, Decimal | int | str):
        raise UsageError(f"amount must be a Decimal, an int or a decimal str, not {type(amount).__name__}")
    try:
        number = _TEXT.read(amount, strict=True) if isinstance(amount, str) else Decimal(amount)
    except Deviation as deviation:
        raise UsageError(f"amount must be {deviation.expected}") from None
    if not number.is_finite():
        raise UsageError("amount must be finite")
    return number


def _shortest(number: Decimal) -> Decimal:
    """Remove trailing zeros of a fraction: they come from the steps and carry no precision."""
    if number.adjusted() < _CONTEXT.prec - 1 and number == number.to_integral_value():
        return number.quantize(_ONE)
    return number.normalize()
