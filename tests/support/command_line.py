"""What the tests of the commands share: the command line as a process, a terminal, and its errors."""

import io
import os
import signal
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

import exchanges
from exchanges.__main__ import main

NEEDS_SIGNALS = pytest.mark.skipif(sys.platform == "win32", reason="signals end a process there")
NOWHERE = "http://127.0.0.1:1"
PATIENCE_SECONDS = 60.0
"""How long a command that should have ended is waited for."""


class Terminal(io.StringIO):
    """A stdout that is a terminal."""

    encoding = "utf-8"

    def isatty(self):
        return True


def started(*words: str, stdout: str | None = None) -> subprocess.Popen[str]:
    """Start the command line as a process, for what cannot be tested within one: signals and closed pipes."""
    env = {**os.environ, "PYTHONPATH": str(Path(exchanges.__file__).parent.parent)}
    command = [sys.executable, "-W", "error", "-m", "exchanges", *words]
    # Where whoever runs the tests ignores Ctrl-C, as a shell does in the background, the child would too.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with Path(stdout).open("w") if stdout else nullcontext(subprocess.PIPE) as output:
            return subprocess.Popen(command, env=env, stdout=output, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, before)


def ended(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Wait for a process to end and return what it printed; one that does not end fails the test."""
    try:
        return process.communicate(timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


def failed(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command with invalid arguments and return its message, which is one line."""
    assert 2 == main(words)
    out, err = capsys.readouterr()
    assert ("", 1) == (out, err.count("\n"))
    return err
