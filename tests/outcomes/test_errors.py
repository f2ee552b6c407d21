import copy
import inspect
import pickle
from datetime import UTC, datetime

import pytest

from exchanges import BookStatus, errors
from exchanges.errors import ExchangeError, Problem, quotable
from exchanges.intents import Intent, Phase

AT = datetime(2017, 3, 27, 9, 0, tzinfo=UTC)
FACTS = {"endpoint": "bitex.trading.create_bid", "status": 418, "code": "7", "text": "words"}
INTENT = Intent("bitex.trading.create_bid", {"amount": "100"}, AT)
ERRORS = {
    name: value for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)
}
OWN = {
    "BookUnknown": {"book_status": BookStatus.SUSPECT, "since": AT, "cause": "crossed"},
    "InvalidRequest": {"fields": {"amount": ("too small", "odd")}},
    "RateLimited": {"retry_at": AT},
    "OutcomeUnknown": {"intent": INTENT, "nonce": "1490605200000", "phase": Phase.SENT},
    "UnresolvedOutcome": {"intent": INTENT},
}
REQUIRED = {
    "BookUnknown": {"book_status": BookStatus.SUSPECT},
    "OutcomeUnknown": {"intent": INTENT},
    "UnresolvedOutcome": {"intent": INTENT},
}

every = pytest.mark.parametrize("name", ERRORS)


def drawn():
    """The tree in the docstring, as pairs of name and name of the parent."""
    above = []
    for line in errors.__doc__.splitlines():
        indent = len(line) - len(line.lstrip())
        if indent < 4 or not (words := line.split()):
            continue
        depth = (indent - 4) // 2
        above = [*above[:depth], words[0]]
        yield words[0], above[depth - 1] if depth else "Exception"


def test_the_tree_is_as_drawn():
    """The tree in the docstring is that of the classes."""
    assert dict(drawn()) == {name: cls.__bases__[0].__name__ for name, cls in ERRORS.items()}


def test_a_usage_error_is_a_value_error():
    """An `except ValueError` catches wrong arguments too."""
    assert (ExchangeError, ValueError) == errors.UsageError.__bases__


def test_all_is_complete():
    """Every error is exported, in order."""
    assert sorted(ERRORS) == list(errors.__all__)


@every
def test_each_has_a_docstring(name):
    """Every error has a docstring of its own."""
    assert inspect.getdoc(ERRORS[name]) != inspect.getdoc(ERRORS[name].__base__)


@every
def test_only_an_unknown_outcome_may_have_executed(name):
    """Only `OutcomeUnknown` says of every instance that the call may have been executed."""
    assert (name == "OutcomeUnknown") is ERRORS[name].may_have_executed


@every
def test_facts(name):
    """Every error carries endpoint, status, code and text in addition to its message."""
    error = ERRORS[name]("message", **REQUIRED.get(name, {}), **FACTS)

    assert FACTS | {"message": "message"} == {key: getattr(error, key) for key in FACTS} | {"message": str(error)}


@every
def test_nothing_known(name):
    """An unknown attribute of an error is None."""
    error = ERRORS[name]("message", **REQUIRED.get(name, {}))

    assert dict.fromkeys(FACTS) == {key: getattr(error, key) for key in FACTS}


@every
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle(name, protocol):
    """An error survives pickling with its class, its message and all it carries."""
    error = ERRORS[name]("message", **OWN.get(name, {}), **FACTS)

    revived = pickle.loads(pickle.dumps(error, protocol))  # noqa: S301 - made in the line itself

    assert (type(error), error.args, vars(error)) == (type(revived), revived.args, vars(revived))


@every
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_copy(name, copied):
    """A copy of an error carries the same."""
    error = ERRORS[name]("message", **OWN.get(name, {}), **FACTS)

    assert (error.args, vars(error)) == (copied(error).args, vars(copied(error)))


def test_pickle_keeps_what_was_added():
    """An attribute that is set later survives pickling."""
    error = errors.NotFound("gone")
    error.may_have_executed = True

    assert pickle.loads(pickle.dumps(error)).may_have_executed  # noqa: S301 - made in the line itself


@pytest.mark.parametrize(
    ("name", "attributes"),
    [*OWN.items(), ("InvalidRequest", {"fields": {}}), ("RateLimited", {"retry_at": None})],
)
def test_what_some_carry(name, attributes):
    """Some errors carry more."""
    error = ERRORS[name]("message", **attributes)

    assert attributes == {key: getattr(error, key) for key in attributes}


class TestQuotable:
    """Text of an exchange, made safe to show."""

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("plain words, ñ and 漢字", "plain words, ñ and 漢字"),
            ("", ""),
            ("a\nb\tc\rd", r"a\nb\tc\rd"),
            ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
            ("\u202egnp", r"\u202egnp"),
            ("\x00\x7f\x85", r"\x00\x7f\x85"),
            ("\u2028", r"\u2028"),
            ("\ud800", r"\ud800"),
            ("\U000e0001", r"\U000e0001"),
        ],
    )
    def test_escaped(self, text, shown):
        """Control characters, and those that change the direction of text, are escaped."""
        assert shown == quotable(text)

    @pytest.mark.parametrize("length", [199, 200])
    def test_not_cut(self, length):
        """Up to 200 characters are shown."""
        assert "x" * length == quotable("x" * length)

    @pytest.mark.parametrize("text", ["x" * 201, "x" * 1_000_000])
    def test_cut(self, text):
        """Of more than 200 characters 197 are shown."""
        assert "x" * 197 + "..." == quotable(text)

    def test_cut_after_escaping(self):
        """Escaped text is cut to 200 characters too."""
        assert (r"\x00" * 50)[:197] + "..." == quotable("\x00" * 51)

    def test_redacted(self):
        """Every secret is redacted, wherever it appears."""
        shown = quotable("KEY-123: KEY-123signature.", ("KEY-123", "signature"))

        assert "[redacted]: [redacted]." == shown

    def test_redacted_before_it_is_cut(self):
        """A secret across the cut is redacted whole."""
        assert "x" * 197 + "..." == quotable("x" * 197 + "SECRET", ("SECRET",))

    def test_no_secrets(self):
        """An empty secret redacts nothing."""
        assert "words" == quotable("words", ("",))


def test_a_problem_proves_by_default():
    """A problem is a proven refusal by default."""
    problem = Problem(errors.Rejected)

    assert ("", None, {}, True, None, None) == (
        problem.text,
        problem.code,
        problem.fields,
        problem.proves_not_executed,
        problem.retry_after_seconds,
        problem.nonce_floor,
    )
