"""Hold promises at full size: ``python -m tests.stress [--only NAME] [--quick] [--seed N]``."""

from __future__ import annotations

import argparse
import logging
import sys
import time

from tests.stress import arrivals, cancellations, nonces

RUNS = {"nonces": nonces.figures, "cancellations": cancellations.figures, "arrivals": arrivals.figures}


def main() -> int:
    """Print one line per figure; 0 if all are met."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress", description=__doc__)
    parser.add_argument("--only", choices=RUNS, help="one of the runs")
    parser.add_argument("--quick", action="store_true", help="the same in small")
    parser.add_argument("--seed", type=int, default=0, help="where chance begins; default: %(default)s")
    args = parser.parse_args()
    logging.disable(logging.CRITICAL)
    print("promise | figure | bar | met")
    met = True
    for name, figures in RUNS.items():
        if args.only in (None, name):
            began = time.perf_counter()
            for figure in figures(quick=args.quick, seed=args.seed):
                print(figure, flush=True)
                met = met and figure.met
            print(f"({name}: {time.perf_counter() - began:.0f} s)", flush=True)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
