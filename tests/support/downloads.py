"""Files that a download writes, and the notes beside them."""

import csv
import json

SOURCE = {"rows": "candles", "exchange": "bitstamp", "server": "loopback:1", "market": "btcusd", "step": 3600}


def rows_of(path):
    """Read a file as any program does."""
    text = path.read_text("utf-8")
    return (
        [json.loads(line) for line in text.splitlines()]
        if path.suffix == ".jsonl"
        else [*csv.DictReader(text.splitlines())]
    )


def noted(path, content, **source):
    """Write a file with a note of ours beside it."""
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode() + b"\n")
    path.with_name(f"{path.name}.source").write_text(json.dumps(SOURCE | source))
    return path
