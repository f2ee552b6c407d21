"""The command line: ``python -m exchanges``."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Protocol, cast

from exchanges.errors import ExchangeError

__all__ = ["main"]

COMMANDS = {
    "demo": "play the simulator in this process: poll three exchanges, place and cancel an order",
    "poll": "poll tickers and order books, of the exchanges or of a server of your own",
    "endpoints": "list every declared endpoint",
    "simulator": "play the three exchanges for any client, until Ctrl-C",
    "doctor": "show versions, where the package is loaded from and which credentials are set",
}


class Command(Protocol):
    """What the module of a command holds."""

    def arguments(self, parser: argparse.ArgumentParser, /) -> None:
        """Declare the arguments of the command."""
        ...

    def run(self, args: argparse.Namespace, /) -> int:
        """Carry it out and return the exit status."""
        ...


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: The arguments; default: those of the process.

    Returns:
        Exit status: 0 if all is well, 1 if not, 2 if the command was not understood.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    args = _parser(words).parse_args(words)
    try:
        status = _module(args.command).run(args)
        sys.stdout.flush()
        return status
    except ExchangeError as error:
        print(f"exchanges {args.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader went away; the interpreter must not stumble over it when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _parser(words: list[str]) -> argparse.ArgumentParser:
    """Make the parser; only the modules of commands that *words* name are loaded."""
    parser = argparse.ArgumentParser(prog="python -m exchanges", description="Bitso, Bitex and Bitstamp for asyncio.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary.capitalize() + ".")
        if name in words:
            _module(name).arguments(command)
    return parser


def _module(name: str) -> Command:
    return cast("Command", importlib.import_module(f"exchanges.commands.{name}"))


if __name__ == "__main__":
    sys.exit(main())
