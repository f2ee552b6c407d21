"""Measure the promises: `python -m tests.stress`."""

import sys

from tests.stress.harness import main

if __name__ == "__main__":
    sys.exit(main())
