"""Record what a report of `verify` has confirmed: ``python docs/record_report.py verify-bitstamp.json``.

A call is confirmed if the exchange itself, and not a simulator, answered it without an error.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from exchanges.commands.clients import endpoints

RECORD = Path(__file__).parent / "confidence.json"


def confirmed(report: dict[str, Any]) -> dict[str, str]:
    """Return the day of each endpoint that a report confirms."""
    hosts = {e.id: urlsplit(e.api.base_url).netloc for e in endpoints()}
    day = str(report["at"])[:10]
    calls = report["calls"]
    return {c["endpoint"]: day for c in calls if c["outcome"] == "200" and hosts.get(c["endpoint"]) == c["host"]}


def main() -> int:
    """Add the reports named on the command line to the record."""
    record = json.loads(RECORD.read_text("utf-8"))
    for name in sys.argv[1:]:
        record["confirmed"].update(confirmed(json.loads(Path(name).read_text("utf-8"))))
    record["confirmed"] = dict(sorted(record["confirmed"].items()))
    RECORD.write_text(json.dumps(record, indent=2) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
