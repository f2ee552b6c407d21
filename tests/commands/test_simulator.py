import signal

import pytest

from exchanges.__main__ import main
from tests.support.command_line import NEEDS_SIGNALS, ended, failed, started


class TestSimulator:
    @NEEDS_SIGNALS
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_it_runs_until_a_signal(self, number, capsys):
        """The process prints its URL, answers, and ends with status 0 and without a traceback."""
        process = started("simulator", "--port", "0", "--venue", "bitex")
        with process:
            url, key = process.stdout.readline().split()[0], process.stdout.readline()
            status = main(["poll", "--bitex-url", url, "--count", "2"])
            process.send_signal(number)
            out, err = ended(process)

        assert (0, 0, "", "") == (status, process.returncode, out, err)
        assert "BITEX_API_KEY=" == key[:14]

    @pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com", "::"])
    def test_it_serves_loopback_only(self, host, capsys):
        """An address that other hosts can reach is refused."""
        assert "loopback" in failed(["simulator", "--host", host], capsys)

    def test_a_port_that_is_taken(self, sim, capsys):
        """A port that is in use is an error with its number."""
        port = sim.base_url.rpartition(":")[2]

        assert f"cannot listen on localhost port {port}" in failed(
            ["simulator", "--host", "localhost", "--port", port], capsys
        )
