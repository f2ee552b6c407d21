import argparse

import pytest

from exchanges import UsageError
from exchanges.commands import simulator as command
from exchanges.simulator import FaultPoint, Faults


def faults(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Faults:
    """Return what the server would be started with."""
    started = []

    async def serve(*venues: object, faults: Faults, **options: object) -> None:
        started.append(faults)

    monkeypatch.setattr(command, "serve", serve)
    parser = argparse.ArgumentParser()
    command.arguments(parser)
    command.run(parser.parse_args(arguments))
    return started[0]


def test_nothing_goes_wrong_unless_asked(monkeypatch):
    """Without arguments the simulator is polite."""
    assert Faults() == faults(monkeypatch)


def test_faults_by_name(monkeypatch):
    """Each argument names a point and its share."""
    arguments = ("--fault", "close after executing=0.05", "--fault", "too many requests, retry after seconds=.1")

    assert {FaultPoint.CLOSE_AFTER_EXECUTING: 0.05, FaultPoint.TOO_MANY_REQUESTS_SECONDS: 0.1} == faults(
        monkeypatch, *arguments
    ).at


def test_lateness_and_idleness(monkeypatch):
    """Both are given in seconds."""
    assert Faults(late_seconds=(0, 10), idle_seconds=0.5) == faults(monkeypatch, "--late", "0", "10", "--idle", "0.5")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--fault", "nonsense=0.1"], "'nonsense=0.1' is not POINT=SHARE; the points are: refuse to accept;"),
        (["--fault", "drip"], "'drip' is not POINT=SHARE"),
        (["--fault", "drip=often"], "'often' is not a share of requests, such as 0.05"),
        (["--late", "3"], "expected 2 arguments"),
    ],
)
def test_what_cannot_be_read_is_told(monkeypatch, capsys, arguments, words):
    """The error names what is wrong, and what would be right."""
    with pytest.raises(SystemExit):
        faults(monkeypatch, *arguments)

    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--fault", "drip=2"], "drip: the probability must be between 0 and 1, got 2"),
        (["--fault", "drip=0.7", "--fault", "garble=0.7"], "add up to 1.4"),
        (["--late", "3", "1"], "late_seconds must be the least and the largest delay"),
        (["--idle", "0"], "idle_seconds must be above 0"),
    ],
)
def test_what_cannot_be_is_told(monkeypatch, arguments, words):
    """Impossible probabilities and times are wrong use."""
    with pytest.raises(UsageError, match=words):
        faults(monkeypatch, *arguments)


def test_every_point_can_be_named(monkeypatch):
    """No name of a point is in the way of its share."""
    for point in FaultPoint:
        assert {point: 0.5} == faults(monkeypatch, "--fault", f"{point}=0.5").at
