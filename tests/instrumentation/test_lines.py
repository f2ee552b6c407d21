import logging
import re
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

import exchanges
from exchanges.errors import OutcomeUnknown, Rejected
from exchanges.instrumentation.lines import Log
from tests.support.fourth import CREDENTIALS, Fourth
from tests.support.scripted_transport import Script, answer, refusal
from tests.support.virtual_time import in_virtual_time

PACKAGE = Path(exchanges.__file__).parent


class Failing(logging.Handler, logging.Filter):
    """A handler that fails outside of what `logging` guards, and a filter that fails."""

    def __init__(self, error):
        logging.Handler.__init__(self)
        self.error = error

    def handle(self, record):
        raise self.error

    def filter(self, record):
        raise self.error


@contextmanager
def failing(part, error, level=logging.INFO):
    """Let one *part* of the logging of the program raise *error* for each line of the package."""
    logger, factory, broken = logging.getLogger("exchanges"), logging.getLogRecordFactory(), Failing(error)
    before, filtered = logger.level, logging.NullHandler()
    logging.Handler.addFilter(filtered, broken)
    filtered.handle = lambda record: logging.Handler.handle(filtered, record)

    def fail(*_, **__):
        raise error

    try:
        logger.setLevel(level)
        if part == "factory":
            logging.setLogRecordFactory(fail)
        else:
            logger.addHandler(broken if part == "handler" else filtered)
        yield
    finally:
        logger.setLevel(before)
        logging.setLogRecordFactory(factory)
        logger.removeHandler(broken)
        logger.removeHandler(filtered)


@pytest.mark.parametrize("part", ["filter", "handler", "factory"])
@in_virtual_time
async def test_logging_that_raises(part, capsys):
    """What the logging of a program raises replaces no outcome; stderr shows its class and no values."""
    script = Script.of(answer(), refusal("funds"), httpx.ReadError("lost"))
    with failing(part, ValueError("a text of the program")):
        async with Fourth(transport=script, **CREDENTIALS) as client:
            assert 1 == (await client.trading.create_order(amount=Decimal(1))).id
            with pytest.raises(Rejected):
                await client.trading.create_order(amount=Decimal(1))
            with pytest.raises(OutcomeUnknown):
                await client.trading.create_order(amount=Decimal(1))
            assert 1 == len(client.unresolved)

    lost = "exchanges: a log line was lost: the logging of this program raised ValueError"
    assert {lost} == set(capsys.readouterr().err.splitlines())


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("write", [Log("exchanges.a").info, lambda _: Log("exchanges.a").is_read(logging.INFO)])
def test_the_end_of_a_program(write, error, monkeypatch):
    """What ends the program goes on through a log line."""

    def stop(*_):
        raise error

    monkeypatch.setattr(logging.getLogger("exchanges.a"), "isEnabledFor", stop)
    with pytest.raises(error):
        write("a")


def test_a_logger_that_raises(monkeypatch, capsys):
    """A logger class of the program that fails reads nothing; with `logging.raiseExceptions` off that is silent."""

    def fail(_):
        raise LookupError

    monkeypatch.setattr(logging.getLogger("exchanges.a"), "isEnabledFor", fail)
    monkeypatch.setattr(logging, "raiseExceptions", False)

    assert not Log("exchanges.a").is_read(logging.INFO)
    assert "" == capsys.readouterr().err


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error", "exception"])
def test_the_place_of_a_line(level, caplog):
    """A record shows the line that wrote it, its level and its arguments as they were passed."""
    caplog.set_level(logging.DEBUG)
    getattr(Log("exchanges.a"), level)("%s and %d", "one", 2)
    record = caplog.records[0]

    assert (__name__.rpartition(".")[2], "test_the_place_of_a_line") == (record.module, record.funcName)
    assert ("exchanges.a", "one and 2", ("one", 2)) == (record.name, record.getMessage(), record.args)
    assert {"exception": "ERROR"}.get(level, level.upper()) == record.levelname


def test_every_line_is_guarded():
    """No module of the package writes to a logger of its own."""
    own = {"__init__.py", "commands/verify.py", "instrumentation/lines.py", "simulator/http/websocket.py"}
    found = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if re.search(r"logging\.(getLogger|(debug|info|warning|error|critical|exception|log)\()", path.read_text())
    }

    assert own == found
