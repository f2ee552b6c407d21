"""The promises of the stress session in small: what it shows at full size must hold here too."""

import logging
from collections.abc import Iterator

import pytest

from tests.stress import __main__ as harness
from tests.stress import arrivals
from tests.stress.figures import Figure

STAGES = harness.stages()
CHEAP = {
    ("nonces", "key lock"),
    ("cancellations", "own task"),
    ("money", "guard"),
    ("money", "doubt"),
    ("reconciled", "lateness"),
    ("arrivals", "cooling slots"),
    ("keepalive", "careful pool"),
}
"""Mechanisms whose lack shows in a second or two."""


@pytest.fixture(autouse=True)
def _heard_again() -> Iterator[None]:
    """Runs silence the log; what comes after them is heard again."""
    disabled = logging.root.manager.disable
    yield
    logging.disable(disabled)


@pytest.mark.parametrize("name", STAGES)
def test_every_figure_is_met(name):
    """Every figure of the stress session is met in small."""
    figures = list(STAGES[name].figures(quick=True, seed=1))

    assert [] == [str(figure) for figure in figures if not figure.met]


@pytest.mark.parametrize(("name", "mechanism"), sorted(CHEAP))
def test_a_figure_needs_its_mechanism(name, mechanism):
    """With the mechanism behind a promise taken out, a figure of its stage is not met."""
    stage = STAGES[name]
    with stage.MECHANISMS[mechanism]():
        figures = list(stage.figures(quick=True, seed=2, without=mechanism))

    assert any(figure.bar and not figure.met for figure in figures)


def test_every_promise_has_a_stage():
    """The stages show the twelve promises, each in one place."""
    shown = [number for stage in STAGES.values() for number in stage.PROMISES]

    assert list(harness.PROMISES) == sorted(shown)


def test_a_run_sums_up(capsys, monkeypatch):
    """The last line of a run counts the promises that hold, and names those that do not."""
    stage = _Stage(
        (5, 6), [Figure("a", "1", "0", met=False, number=5), Figure("b", "2"), Figure("c", "0", "0", number=6)]
    )
    monkeypatch.setattr(harness, "stages", lambda: {"money": stage})

    status = harness.main(["--only", "money"])

    lines = capsys.readouterr().out.splitlines()
    assert (1, " 5 a | 1 | 0 | NOT MET", " 5 b | 2 | - | -") == (status, *lines[1:3])
    assert lines[-1] == "1 of 2 promises hold; broken: 5"


def test_a_run_misses_what_it_does_not_show(capsys, monkeypatch):
    """A whole run holds only if it shows all twelve promises."""
    monkeypatch.setattr(harness, "stages", lambda: {"nonces": _Stage((1,), [Figure("a", "0", "0")])})

    status = harness.main([])

    assert status == 1
    assert capsys.readouterr().out.splitlines()[-1].startswith("1 of 12 promises hold; not shown: 2, 3,")


def test_the_count_of_the_fullest_window():
    """The fullest window counts both its ends, wherever it begins."""
    assert arrivals.largest([0.0, 0.5, 1.0, 1.4, 1.5, 9.0], 1.0) == 4


def test_a_token_bucket_is_above_the_limit():
    """The count of arrivals is sharp enough to catch a token bucket, which lets nearly twice as much through."""
    assert arrivals.bucket_largest(arrivals.BITEX.windows[0], 1000, seed=0) > 5


def test_a_log_of_send_times_is_above_the_limit():
    """The count of arrivals is sharp enough to catch a log of send times, which is wrong by the jitter of the way."""
    assert arrivals.log_largest(arrivals.BITEX.windows[0], 1000, seed=0) > 5


class _Stage:
    """A stage whose figures are known before."""

    def __init__(self, promises, figures):
        self.PROMISES = promises
        self.MECHANISMS = {}
        self.figures = lambda **_: iter(figures)
