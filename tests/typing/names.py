"""Names that load on first use are known to type checkers, and misspelled ones are errors. Checked, never run.

A line with an ignore is one that a checker must refuse: where it does not, the ignore is unused, which is refused too.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=true
# The one error that is left to a line with an ignore is that of the name: any other would make the ignore needed.
# pyright: reportUnusedExpression=false, reportUnusedImport=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from typing import assert_type

import exchanges
import exchanges.state
from exchanges import Bitzo  # type: ignore[attr-defined]  # noqa: F401
from exchanges import bitex as from_package
from exchanges.state import FileStat  # type: ignore[attr-defined]  # noqa: F401


def packages(bid: exchanges.bitex.Bid, book: exchanges.bitso.Book, ticker: exchanges.bitstamp.Ticker) -> None:
    assert_type(bid, from_package.Bid)
    assert_type(book, exchanges.bitso.Book)
    assert_type(ticker, exchanges.bitstamp.Ticker)


def clients(client: exchanges.Bitex, state: exchanges.state.FileState) -> None:
    assert_type(client, from_package.Bitex)
    assert_type(state, exchanges.state.FileState)


def mistakes() -> None:
    exchanges.Bitzo  # type: ignore[attr-defined]
    exchanges.bitzo  # type: ignore[attr-defined]
    exchanges.bitex.Bidd  # type: ignore[attr-defined]
    exchanges.state.FileStat  # type: ignore[attr-defined]
