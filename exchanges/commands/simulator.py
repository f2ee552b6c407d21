"""``simulator``: runs the simulated exchanges as a process."""

from __future__ import annotations

import argparse
import asyncio
import signal
from contextlib import suppress

from exchanges import UsageError
from exchanges.commands.parsers import number, whole
from exchanges.session.servers import is_loopback
from exchanges.simulator import FaultPoint, Faults, Simulator, StreamFault, Venue, serve


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address (default: %(default)s)")
    parser.add_argument("--port", type=_port, default=8080, help="0 chooses a free one (default: %(default)s)")
    parser.add_argument("--seed", type=whole, default=0, help="seed of the random numbers (default: %(default)s)")
    parser.add_argument(
        "--venue",
        action="append",
        type=Venue,
        choices=list(Venue),
        metavar="NAME",
        help="exchange to simulate; may be repeated (default: all)",
    )
    parser.add_argument(
        "--fault",
        action="append",
        type=_fault,
        default=[],
        metavar="POINT=SHARE",
        help="fault, and the share of requests, or of frames of sockets, that it hits, such as "
        "'close after executing=0.05' or 'drop frame=0.01'; may be repeated",
    )
    parser.add_argument(
        "--late",
        nargs=2,
        type=number,
        default=(0.0, 0.0),
        metavar=("LEAST", "LARGEST"),
        help="seconds for which private reads do not show the effect of a write",
    )
    parser.add_argument("--idle", type=number, metavar="SECONDS", help="close connections this long after an answer")


def run(args: argparse.Namespace) -> int:
    """Run until Ctrl-C or SIGTERM."""
    if not is_loopback(args.host):
        raise UsageError(f"--host must be a loopback address, as the simulator's keys are public, got {args.host}")
    faults = _faults(args)
    with suppress(KeyboardInterrupt, asyncio.CancelledError):
        asyncio.run(_serve(args, faults))
    return 0


def _faults(args: argparse.Namespace) -> Faults:
    """Build the faults from the arguments."""
    try:
        # Of a fault that is given twice the last share counts, as with other options.
        given = dict(args.fault)
        streams = {point: share for point, share in given.items() if isinstance(point, StreamFault)}
        others = {point: share for point, share in given.items() if isinstance(point, FaultPoint)}
        return Faults(others, streams=streams, late_seconds=tuple(args.late), idle_seconds=args.idle)
    except ValueError as error:
        raise UsageError(str(error)) from error


async def _serve(args: argparse.Namespace, faults: Faults) -> None:
    task = asyncio.current_task()
    if task is not None:
        with suppress(NotImplementedError):  # event loops of Windows have no signal handlers
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        await serve(*args.venue or (), seed=args.seed, host=args.host, port=args.port, faults=faults, ready=_announce)
    except OSError as error:
        raise UsageError(f"cannot listen on {args.host} port {args.port}: {error.strerror}") from error


def _announce(sim: Simulator) -> None:
    # Programs that start the simulator read the URL from the first word, and the credentials from the lines below.
    print(f"{sim.base_url} simulates {', '.join(sim.venues)}; stop it with Ctrl-C. Its credentials never change:")
    for venue in sim.venues:
        for name, value in sim.account(venue).items():
            print(f"{venue}_{name}".upper() + f"={value}")
    print(end="", flush=True)


def _fault(text: str) -> tuple[FaultPoint | StreamFault, float]:
    name, _, share = text.rpartition("=")
    points: dict[str, FaultPoint | StreamFault] = {point.value: point for point in (*FaultPoint, *StreamFault)}
    if name not in points:
        raise argparse.ArgumentTypeError(f"{text!r} is not POINT=SHARE; the points are: {'; '.join(points)}")
    try:
        return points[name], number(share)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"{share!r} is not a share of requests, such as 0.05") from None


def _port(text: str) -> int:
    port = whole(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"must be between 0 and 65535, got {port}")
    return port
