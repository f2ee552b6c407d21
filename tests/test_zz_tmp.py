import pytest
from tests.stress import restarts, processes
@pytest.mark.parametrize("run", [restarts, processes], ids=lambda m: m.__name__.rpartition(".")[2])
def test_every_figure_is_met(run):
    figures = list(run.figures(quick=True, seed=1))
    assert [] == [str(figure) for figure in figures if not figure.met]
