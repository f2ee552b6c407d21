"""The decimal context of the simulator.

What it calculates must not depend on the program it runs in, which may round to few digits or trap what is inexact. So
each door into the simulator enters this context: requests, frames, timers, controls. At import nothing is calculated
but with `EXACT` itself.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import (
    MAX_EMAX,
    MIN_EMIN,
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DivisionByZero,
    InvalidOperation,
    Overflow,
    localcontext,
)
from functools import wraps
from inspect import isfunction
from typing import ParamSpec, TypeVar

__all__ = ["EXACT", "calculates", "percent", "with_exact_methods"]

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound=type)

# Amounts have up to 30 digits on either side; 80 keep their products exact until they are rounded once.
EXACT = Context(
    prec=80,
    rounding=ROUND_HALF_EVEN,
    Emin=MIN_EMIN,
    Emax=MAX_EMAX,
    capitals=1,
    clamp=0,
    traps=[DivisionByZero, InvalidOperation, Overflow],
)


def calculates(function: Callable[P, R]) -> Callable[P, R]:
    """Run a function in the context of the simulator."""

    @wraps(function)
    def exact(*args: P.args, **kwargs: P.kwargs) -> R:
        with localcontext(EXACT):
            return function(*args, **kwargs)

    return exact


def with_exact_methods(cls: C) -> C:
    """Run all public methods of a class in the context of the simulator."""
    for name, member in vars(cls).copy().items():
        if not name.startswith("_") and isfunction(member):
            setattr(cls, name, calculates(member))
    return cls


def percent(number: Decimal) -> Decimal:
    """Return a percentage as a fraction."""
    return EXACT.divide(number, Decimal(100))
