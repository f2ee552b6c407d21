"""What answers of an exchange get wrong beside being late or lost: moments, rounded prices, rows that come twice."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime, parsedate_to_datetime
from enum import StrEnum
from random import Random
from zlib import crc32

import msgspec
from attrs import evolve, frozen

from exchanges.simulator.http.messages import HttpAnswer

SHARE = 0.7
"""Of worlds in which something is wrong with moments."""
ROUNDED, DOUBLED = 0.3, 0.3
HOUR, DAY = 3600, 86400
OFF_SECONDS = (-1_699_999_000, -DAY, -14 * HOUR, -6 * HOUR, -HOUR, -700, 700, HOUR, 14 * HOUR, DAY, 2_000_000_000)
ONE_IN = 3
"""So many rows or answers, one of which is wrong."""
CENT = Decimal("0.01")
_MOMENTS = re.compile(
    rb"(?<![\d.])(?P<text>\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)|(?<![\d.\"])(?P<unix>1[67]\d{8})(?![\d.])"
)
_JSON = msgspec.json.Encoder()
_ROWS = msgspec.json.Decoder(list[msgspec.Raw])
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_PRICES = re.compile(rb"(?<![\d.])\d{4,6}\.\d{3}(?!\d)")


class Where(StrEnum):
    """Which moments are wrong."""

    ORDERS = "the answers to orders"
    ONE_ORDER = "some answers to orders"
    LISTS = "lists"
    ROWS = "some rows of lists"
    HEADERS = "the Date header"
    EVERYWHERE = "everything"


@frozen
class Wrongs:
    """What is wrong with the answers of one world.

    Attributes:
        where: Which moments are wrong; None for none.
        off_seconds: By how much.
        rounds: Whether prices are rounded to cents.
        doubles: Whether rows of lists come twice.
    """

    where: Where | None = None
    off_seconds: int = 0
    rounds: bool = False
    doubles: bool = False

    @classmethod
    def of(cls, seed: int) -> Wrongs:
        """Draw what is wrong."""
        chance = Random(f"wrongs {seed}")
        where = chance.choice(list(Where)) if chance.random() < SHARE else None
        off = chance.choice(OFF_SECONDS)
        return cls(where, off, rounds=chance.random() < ROUNDED, doubles=chance.random() < DOUBLED)

    def applied(self, answer: HttpAnswer, is_order: bool) -> HttpAnswer:
        """Return *answer* with what is wrong; *is_order* for that to a call that is never repeated."""
        body = answer.body
        if self.doubles and not is_order:
            body = _doubled(body)
        if self.rounds:
            body = _PRICES.sub(lambda found: str(Decimal(found[0].decode()).quantize(CENT)).encode(), body)
        if self._is_wrong(body, is_order=is_order):
            body = _MOMENTS.sub(self._moved if self.where is not Where.ROWS else self._moved_at_times, body)
        headers = answer.headers
        if self.where in (Where.HEADERS, Where.EVERYWHERE):
            headers = tuple((name, self._date(text) if name == "Date" else text) for name, text in headers)
        return evolve(answer, body=body, headers=headers)

    def _is_wrong(self, body: bytes, *, is_order: bool) -> bool:
        match self.where:
            case Where.ORDERS:
                return is_order
            case Where.ONE_ORDER:
                return is_order and _is_drawn(body)
            case Where.LISTS | Where.ROWS:
                return not is_order
            case _:
                return self.where is Where.EVERYWHERE

    def _moved(self, found: re.Match[bytes]) -> bytes:
        if found["unix"]:
            return str(int(found["unix"]) + self.off_seconds).encode()
        text = found["text"].decode()
        moment = datetime.fromisoformat(text).replace(tzinfo=UTC) + timedelta(seconds=self.off_seconds)
        return f"{moment:%Y-%m-%d}{text[10]}{moment:%H:%M:%S}".encode()

    def _moved_at_times(self, found: re.Match[bytes]) -> bytes:
        # By its text: the same row is wrong each time it is read.
        return self._moved(found) if _is_drawn(found[0]) else found[0]

    def _date(self, text: str) -> str:
        return format_datetime(parsedate_to_datetime(text) + timedelta(seconds=self.off_seconds), usegmt=True)


def _is_drawn(body: bytes) -> bool:
    return crc32(body) % ONE_IN == 0


def _doubled(body: bytes) -> bytes:
    """Return an answer with each row of its list twice, digit by digit."""
    try:
        if body.startswith(b"["):
            return _JSON.encode([row for row in _ROWS.decode(body) for _ in range(2)])
        answer = _FIELDS.decode(body)
        rows = _ROWS.decode(answer["payload"])
    except (msgspec.DecodeError, KeyError):
        return body
    return _JSON.encode(answer | {"payload": [row for row in rows for _ in range(2)]})
