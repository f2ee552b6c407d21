"""The parser of the commands: it suggests what may have been meant; and arguments that commands share."""

from __future__ import annotations

import argparse
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import NoReturn

from exchanges import UsageError
from exchanges.commands.clients import CLIENTS, MarketClient
from exchanges.commands.markets import BOOKS
from exchanges.suggestions import hint

_CHOICE = re.compile(r"invalid choice: '(.*?)'")
MAX_STEP = 31 * 24 * 3600
_UNKNOWN = re.compile(r"unrecognized arguments: (\S+)")


class Parser(argparse.ArgumentParser):
    """An `argparse.ArgumentParser` whose errors suggest a known word."""

    def __init__(self, *, prog: str, description: str, usage: str | None = None, epilog: str | None = None) -> None:
        # An abbreviation that is right today may be ambiguous tomorrow.
        super().__init__(prog=prog, usage=usage, description=description, epilog=epilog, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Print usage, message and a suggestion; end with status 2."""
        if (unknown := _UNKNOWN.search(message)) is not None:
            message = hint(message, unknown[1].partition("=")[0], self._option_string_actions)
        elif (wrong := _CHOICE.search(message)) is not None:
            choices = {str(choice) for action in self._actions for choice in action.choices or ()}
            message = hint(message, wrong[1], choices)
        super().error(message)


def add_market(parser: argparse.ArgumentParser) -> None:
    """Declare exchange, market and server."""
    examples = ", ".join(sorted(BOOKS.values()))
    parser.add_argument("exchange", choices=sorted(CLIENTS), help="which exchange")
    parser.add_argument("market", nargs="?", help=f"in its own words, such as {examples} (default: one of these)")
    add_server(parser)


def add_server(parser: argparse.ArgumentParser) -> None:
    """Declare the server."""
    parser.add_argument("--base-url", metavar="URL", help="a server in place of the exchange, such as a simulator")


def market_of(args: argparse.Namespace) -> str:
    """Return the market that was asked for."""
    market: str = BOOKS[args.exchange] if args.market is None else args.market
    if not market.strip():
        raise UsageError("the market is empty; leave it out for the default one")
    return market


def client_of(args: argparse.Namespace) -> MarketClient:
    """Create the client that was asked for."""
    return CLIENTS[args.exchange](base_url=args.base_url)


def step(text: str) -> int:
    """Parse the length of a candle in seconds; the exchange's call knows which there are."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_STEP))
    if not is_number or not 1 <= int(text) <= MAX_STEP:
        raise argparse.ArgumentTypeError(f"must be seconds, from 1 to {MAX_STEP}, such as 3600")
    return int(text)


def whole(text: str) -> int:
    """Parse a whole number, of which Python takes more ways to write than people do."""
    if not re.fullmatch("-?[0-9]{1,18}", text):
        raise argparse.ArgumentTypeError(f"must be a whole number, such as 10, got {text!r}")
    return int(text)


def number(text: str) -> float:
    """Parse a number, of which Python takes more ways to write than people do."""
    try:
        return float(text if text.isascii() and "_" not in text else "")
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number, such as 2.5, got {text!r}") from None


def amount(text: str) -> Decimal:
    """Parse an amount above 0."""
    if not re.fullmatch(r"[0-9]{1,30}(\.[0-9]{1,30})?", text) or not (found := Decimal(text)):
        raise argparse.ArgumentTypeError(f"must be an amount of base currency, such as 0.001, got {text!r}")
    return found


def date(text: str) -> datetime:
    """Parse a day or a moment; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError("must be a date, such as 2026-01-31 (UTC)") from None
