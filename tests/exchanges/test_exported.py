import inspect
import pkgutil
import subprocess
import sys
import traceback
from importlib import import_module

import pytest

import exchanges
import exchanges.state
from exchanges import errors

pytestmark = pytest.mark.sweep

MODULES = ["exchanges", *(m.name for m in pkgutil.walk_packages(exchanges.__path__, "exchanges."))]
PACKAGES = ["exchanges.bitex", "exchanges.bitso", "exchanges.bitso.v2", "exchanges.bitstamp", "exchanges.bitstamp.v1"]


def test_exported_names_exist():
    """Each module has every name of its `__all__`."""
    modules = map(import_module, MODULES)
    missing = [f"{m.__name__}.{n}" for m in modules for n in getattr(m, "__all__", ()) if not hasattr(m, n)]

    assert [] == missing


def test_errors():
    """Every error can be imported from the package."""
    assert [] == [name for name in errors.__all__ if getattr(exchanges, name, None) is not getattr(errors, name)]


def test_no_more_than_all():
    """Every public name of the package that is defined in the library is exported."""
    public = {
        name
        for name, value in vars(exchanges).items()
        if not name.startswith("_")
        and not inspect.ismodule(value)
        and getattr(value, "__module__", "").startswith("exchanges")
    }

    assert set() == public - set(exchanges.__all__)


def test_dir_names_the_clients():
    """`dir` lists the clients and their packages before they are loaded."""
    assert {"Bitex", "Bitso", "Bitstamp", "bitex", "bitso", "bitstamp"} <= set(dir(exchanges))


@pytest.mark.parametrize(
    ("module", "name", "suggestion"),
    [
        (exchanges, "Kraken", ""),
        (exchanges, "Bitzo", "; did you mean 'Bitso' or 'bitso' or 'Bitex'?"),
        (exchanges, "bitstmp", "; did you mean 'bitstamp' or 'Bitstamp' or 'bitso'?"),
        (exchanges, "RateLimit", "; did you mean 'RateLimited' or 'RateLimitTimeout' or 'Limit'?"),
        (exchanges.state, "FileStat", "; did you mean 'FileState' or 'State'?"),
    ],
)
def test_no_such_name(module, name, suggestion):
    """The `AttributeError` of a misspelled name suggests similar names."""
    with pytest.raises(AttributeError) as caught:
        getattr(module, name)

    assert f"module {module.__name__!r} has no attribute {name!r}{suggestion}" == str(caught.value)


def test_a_misspelled_import():
    """A misspelled name cannot be imported."""
    with pytest.raises(ImportError, match="cannot import name 'Bitzo' from 'exchanges'"):
        from exchanges import Bitzo  # noqa: F401


def test_suggestions_are_made_once():
    """The interpreter adds no second suggestion to the traceback."""
    with pytest.raises(AttributeError) as caught:
        _ = exchanges.Bitzo

    assert 1 == "".join(traceback.format_exception(caught.value)).lower().count("did you mean")


@pytest.mark.parametrize("name", PACKAGES)
def test_annotations_of_a_package(name):
    """Every class of an answer can be imported from the package of its exchange."""
    package = import_module(name)
    areas = [a for a in map(vars(package).get, package.__all__) if hasattr(a, "endpoints")]
    answers = {part for area in areas for e in area.endpoints for part in _classes(e.answer)}
    answers = {c for c in answers if c.__module__.startswith("exchanges.")}

    assert set() == {c.__name__ for c in answers} - set(package.__all__)


def _classes(annotation):
    inner = getattr(annotation, "__args__", ())
    return {c for a in inner for c in _classes(a)} if inner else {annotation}


def loaded_by(statement):
    """Return the modules that *statement* loads in a new interpreter, where others may measure it."""
    code = f"import sys; before = set(sys.modules)\n{statement}\nprint(' '.join(set(sys.modules) - before))"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()


def test_exchanges_load_on_first_use():
    """Importing the package loads no exchange."""
    assert not set(PACKAGES) & set(loaded_by("import exchanges"))


@pytest.mark.parametrize("name", ["bitex", "bitso", "bitstamp"])
def test_a_package_loads_on_first_use(name):
    """The package of an exchange is an attribute that need not be imported; it loads no other exchange."""
    loaded = loaded_by(f"import exchanges; exchanges.{name}.Ticker")

    assert {f"exchanges.{name}"} == set(loaded) & {"exchanges.bitex", "exchanges.bitso", "exchanges.bitstamp"}


def test_one_exchange_does_not_load_another():
    """Importing one client loads only its exchange."""
    loaded = set(loaded_by("from exchanges import Bitstamp"))

    assert {"exchanges.bitstamp", "exchanges.bitstamp.v1"} == loaded & set(PACKAGES)


NOT_LOADED = ["anyio", "certifi", "h11", "httpcore", "httpx", "rich", "sqlite3"]
NOT_LOADED += [f"exchanges.{part}" for part in ("commands", "outcomes.reconcile", "polling", "simulator", "state.file")]
FIRST_CALL = """
import asyncio
from exchanges import Bitstamp

async def answer(reader, writer):
    await reader.readuntil(b"\\r\\n\\r\\n")
    writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\n[]")

async def main():
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with Bitstamp(base_url=f"http://127.0.0.1:{port}") as client:
            assert await client.market.transactions("btcusd") == []

asyncio.run(main())
"""


@pytest.mark.parametrize("statement", ["from exchanges import Bitex, Bitso, Bitstamp", FIRST_CALL])
def test_what_is_not_loaded(statement):
    """Importing clients, and the first call over plain loopback, load nothing that only other calls need."""
    assert set() == set(NOT_LOADED) & set(loaded_by(statement))


def test_names_that_load_on_use():
    """What is loaded on first use is listed by `dir`, and kept once it is loaded."""
    code = "import exchanges; first = dir(exchanges)"
    for name in ("Ambiguous", "Incomplete", "NoTrace", "Reconciled", "Update", "Verdict", "poll"):
        code += f"; assert {name!r} in first; exchanges.{name}; assert {name!r} in vars(exchanges)"

    assert {"exchanges.outcomes.verdicts", "exchanges.polling"} <= set(loaded_by(code))
