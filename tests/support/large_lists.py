"""Rows of large answers, as JSON."""

from __future__ import annotations

import random


def _archive(number: int) -> list[bytes]:
    rng = random.Random(1)
    return [
        b"[%d, %d, %.2f, %.8f]" % (1_490_605_200 - 30 * i, number - i, rng.uniform(1, 1100), rng.uniform(0.01, 5))
        for i in range(number)
    ]


ARCHIVE = _archive(5000)
"""Transactions of Bitex, newest first."""
SUMMARY = [
    row % i
    for i in range(1, 300)
    for row in (
        b'[1, %d, 946685400, 1, 100.00000000, 50.0, 1000.00, 2, 0, 0.1, "ApiKey#1", 0.01]',
        b'[2, %d, 946685400, 1, 100.00000000, 50.0, 1000.00, 2, 0, 0.1, "B\xc3\xb3veda [1]", 0.01]',
        b"[3, %d, 946685400, 1, 2.0, 600.0, 0.05, 300.0, 123]",
        b"[5, %d, 946685400, 1, 100.50000000]",
        b'[7, %d, 946685400, 1000.00, 1000.00, 1, 1, 0, "UY", "USD", null, "a \\"b\\"", {"a": [1, {"b": ["]"]}]}]',
    )
]
"""Movements of Bitex, of several classes and lengths."""


def listed(rows: list[bytes]) -> bytes:
    """Return the JSON list of *rows*."""
    return b"[" + b", ".join(rows) + b"]"
