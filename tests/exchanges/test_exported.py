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

MODULES = sorted(
    m.name for m in pkgutil.walk_packages(exchanges.__path__, "exchanges.") if not m.name.endswith("__main__")
)
PACKAGES = ["exchanges.bitex", "exchanges.bitso", "exchanges.bitso.v2", "exchanges.bitstamp", "exchanges.bitstamp.v1"]


def test_all():
    """The public names are these, in order."""
    expected = [
        *("Ambiguous", "AuthenticationFailed", "Bitex", "Bitso", "Bitstamp", "Blocked", "CallbackRejected"),
        *("DecodeError", "ExchangeError", "Incomplete", "InsufficientFunds", "Intent", "InvalidRequest", "Kind"),
        *("Limit", "MarketLevel", "MarketOrderBook", "MarketTicker", "MarketTrade", "NoTrace", "NonceRejected"),
        *("NotFound", "NotSent", "OpenCall", "OutcomeUnknown", "PermissionDenied", "Phase", "QuoteExpired"),
        *("RateLimitTimeout", "RateLimited", "ReadFailed", "Reconciled", "RedirectRefused", "Rejected", "Scope"),
        *("Standing", "StateError", "Unavailable", "UnresolvedOutcome", "Update", "UsageError", "Verdict", "Window"),
        *("__version__", "encode", "poll"),
    ]

    assert expected == exchanges.__all__


@pytest.mark.parametrize("name", exchanges.__all__)
def test_importable(name):
    """Every public name is there."""
    assert getattr(exchanges, name) is not None


@pytest.mark.parametrize("name", errors.__all__)
def test_errors(name):
    """Every error is importable from the package."""
    assert getattr(errors, name) is getattr(exchanges, name)


def test_no_more_than_all():
    """What is public by its name and of this library's is exported."""
    public = {
        name
        for name, value in vars(exchanges).items()
        if not name.startswith("_")
        and not inspect.ismodule(value)
        and getattr(value, "__module__", "").startswith("exchanges")
    }

    assert set() == public - set(exchanges.__all__)


def test_dir_names_the_clients():
    """Completion finds the clients and their packages before they are loaded."""
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


@pytest.mark.parametrize("name", MODULES)
def test_modules(name):
    """What a module says it exports, it has."""
    module = import_module(name)

    assert [] == [n for n in getattr(module, "__all__", ()) if not hasattr(module, n)]


@pytest.mark.parametrize("name", PACKAGES)
def test_annotations_of_a_package(name):
    """What a call of an exchange answers with can be imported from the exchange's package."""
    package = import_module(name)
    areas = [a for a in map(vars(package).get, package.__all__) if hasattr(a, "endpoints")]
    answers = {part for area in areas for e in area.endpoints for part in _classes(e.answer)}
    answers = {c for c in answers if c.__module__.startswith("exchanges.")}

    assert set() == {c.__name__ for c in answers} - set(package.__all__)


def _classes(annotation):
    inner = getattr(annotation, "__args__", ())
    return {c for a in inner for c in _classes(a)} if inner else {annotation}


def loaded_by(statement):
    """The modules that a fresh interpreter has after *statement*."""
    code = f"{statement}; import sys; print(' '.join(sys.modules))"
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
    """Importing one client loads its exchange alone."""
    loaded = set(loaded_by("from exchanges import Bitstamp"))

    assert {"exchanges.bitstamp", "exchanges.bitstamp.v1"} == loaded & set(PACKAGES)


def test_the_simulator_is_not_loaded():
    """Importing a client does not load the simulator."""
    assert "exchanges.simulator" not in loaded_by("from exchanges import Bitex, Bitso, Bitstamp")
