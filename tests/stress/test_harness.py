"""The harness of `nox -s stress` counts right, and what its stages take out is still there."""

import logging
from contextlib import nullcontext

import pytest

from exchanges.http.answer import Answer
from tests.stress import arrivals, harness, mutations
from tests.stress.figures import Figure
from tests.support.documented_answers import CALLS

STAGES = harness.stages()
MET, MISSED = Figure("a", "0", "0"), Figure("b", "1", "0", met=False)


class _Stage:
    """A stage with given figures, and others without its mechanism."""

    def __init__(self, promises, figures, without=()):
        self.PROMISES = promises
        self.MECHANISMS = {"guard": nullcontext}
        self.figures = lambda **options: iter(without if options["without"] else figures)


@pytest.fixture
def run(capsys, monkeypatch):
    """Run the harness on one stage; return its status and its lines."""
    disabled = logging.root.manager.disable

    def run(stage, *arguments):
        monkeypatch.setattr(harness, "STAGES", ("money",))
        monkeypatch.setattr(harness, "stage", lambda _: stage)
        monkeypatch.setattr(harness, "CHEAP", {"money": ("guard",)})
        return harness.main(("--jobs", "1", *arguments)), capsys.readouterr().out.splitlines()

    yield run
    logging.disable(disabled)  # a run disables all logs


def test_every_promise_has_a_stage():
    """Each promise has a stage, or several."""
    shown = {number for stage in STAGES.values() for number in stage.PROMISES}

    assert set(harness.PROMISES) == shown


@pytest.mark.parametrize(("name", "mechanism"), [(name, m) for name, s in STAGES.items() for m in s.MECHANISMS])
def test_a_mechanism_can_be_taken_out(name, mechanism):
    """What a mechanism takes out exists under the name that the stage gives it."""
    with STAGES[name].MECHANISMS[mechanism]():
        pass


def test_cheap_mechanisms_exist():
    """Each cheap mechanism is one of its stage."""
    assert all(set(cheap) <= STAGES[name].MECHANISMS.keys() for name, cheap in harness.CHEAP.items())


def test_a_run_is_summed_up(run):
    """The last line counts the promises that hold and lists those that do not."""
    figures = [Figure("a", "1", "0", met=False, number=5), Figure("b", "2"), Figure("c", "0", "0", number=6)]
    status, lines = run(_Stage((5, 6), figures), "--only", "money")

    assert (1, " 5 a | 1 | 0 | NOT MET", " 5 b | 2 | - | -") == (status, *lines[1:3])
    assert lines[-1] == "1 of 2 promises hold; broken: 5"


def test_a_run_misses_what_it_does_not_show(run):
    """A whole run holds only if it shows all promises."""
    status, lines = run(_Stage((1,), [MET]))

    assert (1, True) == (status, lines[-1].startswith(f"1 of {len(harness.PROMISES)} promises hold; not shown: 2, 3,"))


def test_a_stage_that_raises_is_broken(run):
    """A stage that ends early breaks its promises; the others are measured still."""
    stage = _Stage((5, 6), [])
    stage.figures = lambda **_: 1 / 0
    status, lines = run(stage, "--only", "money")

    assert (1, "0 of 2 promises hold; broken: 5, 6") == (status, lines[-1])
    assert "ZeroDivisionError: division by zero" in lines


@pytest.mark.stress
def test_stages_at_a_time(capsys, monkeypatch):
    """Several stages at a time run in processes of their own, and are summed up together."""
    monkeypatch.setattr(harness, "CHEAP", {})
    status = harness.main(["--quick", "--jobs", "2", "--only", "nonces", "outside"])

    assert (0, "2 of 2 promises hold") == (status, capsys.readouterr().out.splitlines()[-1])


@pytest.mark.parametrize(
    ("without", "status", "end"),
    [([MET, MISSED], 0, ""), ([MET, Figure("b", "1", met=False)], 1, "; idle mechanisms: money: guard")],
)
def test_a_quick_run_takes_mechanisms_out(run, without, status, end):
    """A quick run holds only if a figure is missed without each of the cheap mechanisms."""
    expected = (status, f"1 of 1 promises hold{end}")
    ended, lines = run(_Stage((1,), [MET], without), "--quick", "--only", "money")

    assert expected == (ended, lines[-1])


def test_the_count_of_the_fullest_window():
    """The fullest window includes both its ends, wherever it begins."""
    assert arrivals.largest([0.0, 0.5, 1.0, 1.4, 1.5, 9.0], 1.0) == 4


def test_an_unexpected_exception_is_counted(monkeypatch):
    """The stage `mutations` counts a reader that raises an unexpected exception."""
    monkeypatch.setattr(mutations, "wire", lambda: None)
    reading = mutations.Reading()
    reading.answer(CALLS["bitex.market.ticker"], Answer(200, {}, b"{}"))

    assert 1 == len(reading.count.unexpected)


@pytest.mark.parametrize("naive", [arrivals.bucket_largest, arrivals.log_largest])
def test_naive_limiters_exceed_the_limit(naive):
    """The count of arrivals tells a token bucket, or a log of send times, from a limiter that keeps the limit."""
    assert naive(arrivals.BITEX.windows[0], 1000, seed=0) > 5
