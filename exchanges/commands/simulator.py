"""``simulator``: the simulated exchanges as a process of their own."""

from __future__ import annotations

import argparse
import asyncio
import signal
from contextlib import suppress
from ipaddress import ip_address

from exchanges import UsageError
from exchanges.simulator import Simulator, Venue, serve

__all__ = ["arguments", "run"]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address; default: %(default)s")
    parser.add_argument("--port", type=_port, default=8080, help="0: any that is free; default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="where chance begins; default: %(default)s")
    parser.add_argument(
        "--venue",
        action="append",
        type=Venue,
        choices=list(Venue),
        metavar="NAME",
        help="may be repeated; default: all",
    )


def run(args: argparse.Namespace) -> int:
    """Play until Ctrl-C or SIGTERM."""
    if not _is_loopback(args.host):
        raise UsageError(f"--host {args.host}: the keys are known to everybody, so it must be a loopback address")
    with suppress(KeyboardInterrupt, asyncio.CancelledError):
        asyncio.run(_serve(args))
    return 0


async def _serve(args: argparse.Namespace) -> None:
    task = asyncio.current_task()
    if task is not None:
        with suppress(NotImplementedError):  # Windows has no such signal
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        await serve(*args.venue or (), seed=args.seed, host=args.host, port=args.port, ready=_announce)
    except OSError as error:
        raise UsageError(f"cannot listen on {args.host} port {args.port}: {error.strerror}") from error


def _announce(sim: Simulator) -> None:
    print(f"{sim.base_url} plays {', '.join(sim.venues)}; Ctrl-C ends it. Its keys are fake, and always these:")
    for venue in sim.venues:
        for name, value in sim.account(venue).items():
            print(f"{venue}_{name}".upper() + f"={value}")
    print(end="", flush=True)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError("must lie between 0 and 65535")
    return port
