"""The command line: ``python -m exchanges``."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from types import ModuleType

from exchanges.errors import ExchangeError

COMMANDS = {
    "demo": "poll three simulated exchanges, place and cancel an order; needs no internet access",
    "poll": "poll tickers and order books of the exchanges or of another server",
    "endpoints": "list all declared endpoints",
    "simulator": "simulate the three exchanges for any client, until Ctrl-C",
    "doctor": "show versions, the path of the package and which credentials are set",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: The arguments; None: those of the process.

    Returns:
        Exit status: 0 on success, 1 on failure, 2 if the arguments are invalid, 130 after Ctrl-C.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    args = _parser(words).parse_args(words)
    try:
        status: int = _module(args.command).run(args)
        sys.stdout.flush()  # here, so that a closed pipe is reported below instead of at exit
        return status
    except ExchangeError as error:
        print(f"exchanges {args.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The interpreter flushes stdout once more at exit: into the void, or it would print a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _parser(words: list[str]) -> argparse.ArgumentParser:
    """Build the parser."""
    parser = argparse.ArgumentParser(prog="python -m exchanges", description="Bitso, Bitex and Bitstamp for asyncio.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        # Other commands are listed without loading their modules: rich and the simulator take time to import.
        if name in words:
            _module(name).arguments(command)
    return parser


def _module(name: str) -> ModuleType:
    """Return the module of a command: ``arguments`` declares its arguments, ``run`` returns the exit status."""
    return importlib.import_module(f"exchanges.commands.{name}")


if __name__ == "__main__":
    sys.exit(main())
