"""The command line: ``aioexchanges``, or ``python -m exchanges``."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TextIO

from exchanges.errors import ExchangeError, UsageError

COMMANDS = {
    "demo": "poll three simulated exchanges, place and cancel an order; needs no internet access",
    "watch": "follow a market live: best prices, depth, trades",
    "candles": "draw the candles of a market",
    "book": "draw the depth of a market",
    "poll": "poll tickers and order books of the exchanges or of another server",
    "download": "write trades, candles or the ledger to a file, and continue it later",
    "verify": "check keys and calls, if you want with one order, and write a report without secrets",
    "endpoints": "list all declared endpoints",
    "simulator": "simulate the three exchanges for any client, until Ctrl-C",
    "doctor": "show versions, the path of the package and which credentials are set",
}


OPTIONS = ("--help", "--version")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: The arguments; None: those of the process.

    Returns:
        Exit status: 0 on success, 1 on failure, 2 if the arguments are invalid, 130 after Ctrl-C.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    # A shell that has closed an output leaves None in its place.
    sys.stdout, sys.stderr = sys.stdout or _void(), sys.stderr or _void()
    command = words[0] if words and words[0] in COMMANDS else None
    try:
        if command is None:
            return _explain(words)
        # Only the parser of the command: its usage is the one that errors show, and other modules take time to import.
        module = _module(command)
        parser = _module("parsers").Parser(prog=f"{_program()} {command}", description=_sentence(COMMANDS[command]))
        module.arguments(parser)
        status: int = module.run(parser.parse_args(words[1:]))
        sys.stdout.flush()  # here, so that a closed pipe is reported below instead of at exit
        return status
    except ExchangeError as error:
        print(f"{_program()} {command}: {error}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        if not isinstance(error, BrokenPipeError):
            print(f"{_program()} {command}: {error.strerror or error}", file=sys.stderr)
        # The interpreter flushes stdout once more at exit: into the void, or it would print a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _void() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def _explain(words: Sequence[str]) -> int:
    """Print the help or the version; return 2 if the words are no command."""
    if words == ["--version"]:
        from exchanges.version import __version__

        print(f"aioexchanges {__version__}")
        return 0
    if set(words) & {"-h", "--help"}:
        print(_help())
        return 0
    fault = "no command given"
    if words:
        fault = importlib.import_module("exchanges.suggestions").hint(
            f"no such command: {words[0]}", words[0], (*COMMANDS, *OPTIONS)
        )
    print(f"{_help()}\n\n{_program()}: {fault}", file=sys.stderr)
    return 2


def _help() -> str:
    commands = "\n".join(f"  {name:<10} {summary}" for name, summary in COMMANDS.items())
    return (
        f"usage: {_program()} COMMAND ... | --help | --version\n\nBitso, Bitex and Bitstamp for asyncio.\n\n"
        f"commands:\n{commands}\n\n`{_program()} COMMAND --help` describes one. "
        "Only demo and `verify --order` place orders."
    )


def _program() -> str:
    """Return what the user typed to get here."""
    return "aioexchanges" if Path(sys.argv[0]).stem == "aioexchanges" else "python -m exchanges"


def _sentence(summary: str) -> str:
    return f"{summary[0].upper()}{summary[1:]}."


def _module(name: str) -> ModuleType:
    """Return the module of a command: ``arguments`` declares its arguments, ``run`` returns the exit status."""
    return importlib.import_module(f"exchanges.commands.{name}")


if __name__ == "__main__":
    sys.exit(main())
