"""Values that no argument may be, and that do their worst when they are looked at."""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from fractions import Fraction
from typing import Any

BROKEN = "x\r\nX-Injected: yes"


class Raising:
    """Raises whatever is done with it."""

    def __eq__(self, _: object) -> bool:
        raise ZeroDivisionError(BROKEN)

    def __hash__(self) -> int:
        raise ZeroDivisionError(BROKEN)

    def __bool__(self) -> bool:
        raise ZeroDivisionError(BROKEN)

    def __str__(self) -> str:
        raise ZeroDivisionError(BROKEN)

    def __repr__(self) -> str:
        raise ZeroDivisionError(BROKEN)

    def __format__(self, _: str) -> str:
        raise ZeroDivisionError(BROKEN)

    def __iter__(self) -> Iterator[Any]:
        raise ZeroDivisionError(BROKEN)

    def __len__(self) -> int:
        raise ZeroDivisionError(BROKEN)

    def __getattr__(self, _: str) -> Any:
        raise ZeroDivisionError(BROKEN)


class Liar:
    """Claims to be a text."""

    __class__: Any = property(lambda _: str)  # type: ignore[assignment]


class Shouting(str):
    """A text whose methods say something else than it is."""

    __slots__ = ()

    def __str__(self) -> str:
        return BROKEN

    def __format__(self, _: str) -> str:
        return BROKEN

    def __iter__(self) -> Iterator[str]:
        return iter("ok")

    def __len__(self) -> int:
        return 2

    def __eq__(self, _: object) -> bool:
        return True

    def __hash__(self) -> int:
        return hash("buy")

    def isprintable(self) -> bool:
        return True

    def encode(self, *_: object) -> bytes:
        return BROKEN.encode()


class OddInt(int):
    """A number whose methods say something else than it is."""

    def __str__(self) -> str:
        return BROKEN

    def __int__(self) -> int:
        return -5

    def __le__(self, _: object) -> bool:
        return True

    def __ge__(self, _: object) -> bool:
        return True


class OddDecimal(Decimal):
    """An amount whose methods say something else than it is."""

    def __str__(self) -> str:
        return BROKEN

    def __format__(self, *_: Any) -> str:
        return BROKEN

    def __le__(self, _: Any) -> bool:
        return False


class Wallet(str, Enum):  # noqa: UP042 - what users write
    """Texts with names: ``str()`` of one is its name."""

    COLD = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"


class Crossed(str, Enum):  # noqa: UP042 - as above
    """An enum whose text is not its value."""

    ONE = "one"

    def __init__(self, _: str) -> None:
        self._value_ = "two"


class Number(IntEnum):
    """Numbers with names."""

    ONE = 1


class Word(StrEnum):
    """Texts with names that ``str()`` does not say."""

    BROKEN = BROKEN


class Endless(Mapping[str, Any]):
    """A mapping that contains itself, and always has one more key."""

    def __getitem__(self, _: str) -> Any:
        return self

    def __iter__(self) -> Iterator[str]:
        return iter(("again",))

    def __len__(self) -> int:
        return 1


def itself(kind: type[list[Any]] | type[dict[str, Any]]) -> Any:
    """Return a list or an object that contains itself."""
    whole: Any = kind()
    if isinstance(whole, list):
        whole.append(whole)
    else:
        whole["again"] = whole
    return whole


def deep() -> Any:
    """Return lists in lists, deeper than any stack."""
    value: Any = []
    for _ in range(100_000):
        value = [value]
    return value


ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 10**400, 2**63, 0.5, float("nan"), float("inf"), 1j, Fraction(1, 3), b"x", bytearray()),
    *("", " ", ".", "..", "/", "a/../b", "%2e%2e", "a?b=c", "a&b=c", "\x00", "\r\n", "\u2028", "\ud800", "x" * 10**6),
    *map(Decimal, ("NaN", "sNaN", "Infinity", "-0", "1e999999999", "1e-999999999")),
    *([], [None], {}, {"a": object()}, {1: 2}, {"a": float("nan")}, set(), frozenset({1}), (), iter(()), range(3)),
    *(object(), object, print, lambda: 1, ..., NotImplemented, date.max, memoryview(b"x"), Exception(), BROKEN),
    *(Raising(), [Raising()], {"a": Raising()}, Liar(), [Liar()], Endless(), itself(list), itself(dict), deep()),
    *(Shouting(BROKEN), Shouting("buy"), [Shouting("buy")], OddInt(1), OddInt(-1), OddDecimal(1), OddDecimal(-1)),
    *(Wallet.COLD, Crossed.ONE, Number.ONE, Word.BROKEN, Wallet, [Wallet.COLD]),
)  # fmt: skip
