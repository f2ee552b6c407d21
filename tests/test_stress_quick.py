"""The promises of the stress session in small: what it shows at full size must hold here too."""

import pytest

from tests.stress import arrivals, cancellations, nonces


@pytest.mark.parametrize("run", [nonces, cancellations, arrivals], ids=lambda m: m.__name__.rpartition(".")[2])
def test_every_figure_is_met(run):
    """Every figure of the stress session is met in small."""
    figures = list(run.figures(quick=True, seed=1))

    assert [] == [str(figure) for figure in figures if not figure.met]


def test_the_count_of_the_fullest_window():
    """The fullest window counts both its ends, wherever it begins."""
    assert arrivals.largest([0.0, 0.5, 1.0, 1.4, 1.5, 9.0], 1.0) == 4


def test_a_token_bucket_is_above_the_limit():
    """The count of arrivals is sharp enough to catch a token bucket, which lets nearly twice as much through."""
    assert arrivals.bucket_largest(arrivals.BITEX.windows[0], 1000, seed=0) > 5


def test_a_log_of_send_times_is_above_the_limit():
    """The count of arrivals is sharp enough to catch a log of send times, which is wrong by the jitter of the way."""
    assert arrivals.log_largest(arrivals.BITEX.windows[0], 1000, seed=0) > 5
