from datetime import datetime
from typing import Annotated

import pytest

from exchanges import Bitex, Bitso, Bitstamp
from exchanges.endpoint import (
    CANCEL,
    MONEY,
    READ,
    Access,
    Area,
    Areas,
    Kind,
    Param,
    areas_of,
    endpoints_of,
    private,
    public,
)
from exchanges.errors import UsageError
from exchanges.wire import Amount, OpenIntEnum, OpenStrEnum
from tests.support.fourth import API, LIMIT, OPEN_LIMIT, Fourth, Market


class Side(OpenStrEnum):
    BUY = "buy"


class Level(OpenIntEnum):
    ONE = 1


def declared(declare, method):
    """Create an area with one method."""
    return type("Things", (Area,), {"it": declare(method)}, api=API)


def fault(declare, method):
    """Return the message about an invalid declaration."""
    with pytest.raises(TypeError) as caught:
        declared(declare, method)
    return str(caught.value)


def endpoint(endpoint_id):
    """Return one of the fourth exchange's endpoints."""
    return next(e for e in endpoints_of(Fourth) if e.id == endpoint_id)


class TestFaults:
    """An invalid declaration fails when its class is created, at import."""

    def test_a_placeholder_without_an_argument(self):
        """Each placeholder of a route needs an argument."""

        async def it(self, book: str) -> str: ...

        expected = "fourth.things.it: GET /{book}/{day} has no argument for ['day']"

        assert expected == fault(public("GET /{book}/{day}"), it)

    @pytest.mark.parametrize("verb", ["POST", "PUT", "PATCH", "DELETE"])
    @pytest.mark.parametrize("declare", [public, private])
    def test_no_kind(self, declare, verb):
        """Every endpoint but a GET must declare its kind."""

        async def it(self) -> str: ...

        assert f"fourth.things.it: a {verb} must declare its kind" == fault(declare(f"{verb} /x"), it)

    @pytest.mark.parametrize("kind", [float, datetime, dict, list[str], bytes, str | int])
    def test_a_type_that_nothing_renders(self, kind):
        """An argument is of a type that has a way onto the wire."""

        async def it(self, x: kind) -> str: ...

        assert fault(public("GET /x"), it).startswith("fourth.things.it: no rendering for x: ")

    def test_a_remark_inside_an_optional(self):
        """A `Param` inside an optional fails: it must annotate the whole type."""

        async def it(self, x: Annotated[str, Param(wire="id")] | None = None) -> str: ...

        assert fault(public("GET /x"), it).startswith("fourth.things.it: no rendering for x: ")

    def test_two_positionals(self):
        """At most one argument may be positional."""

        async def it(self, a: str, b: str) -> str: ...

        assert "fourth.things.it: more than one positional argument" == fault(public("GET /x"), it)

    def test_no_api(self):
        """An area names its API."""
        with pytest.raises(TypeError, match="api"):
            type("Things", (Area,), {})


class TestEndpoint:
    def test_id(self):
        """An id is the attribute path: API, area, method."""

        async def it(self) -> str: ...

        assert "fourth.things.it" == declared(public("GET /x"), it).it.endpoint.id

    def test_str(self):
        """An endpoint prints as it is documented."""
        assert "POST /orders/{order_id}/cancel" == str(endpoint("fourth.trading.cancel"))

    def test_a_get_reads(self):
        """A GET is a read without saying so."""
        assert READ is endpoint("fourth.market.thing").kind

    def test_kind(self):
        """A declared kind is kept."""
        assert [READ, CANCEL, Kind.WRITE, MONEY] == [
            e.kind for e in endpoints_of(Fourth) if e.id.startswith("fourth.trading.")
        ]

    @pytest.mark.parametrize(
        ("endpoint_id", "access", "limit"),
        [
            ("fourth.market.thing", Access.PUBLIC, OPEN_LIMIT),
            ("fourth.trading.order", Access.PRIVATE, LIMIT),
        ],
    )
    def test_limit(self, endpoint_id, access, limit):
        """Public and private calls are counted against the limit of their kind."""
        found = endpoint(endpoint_id)

        assert (access, limit) == (found.access, found.limit)

    @pytest.mark.parametrize(
        ("annotation", "name"),
        [
            (str, "str"),
            (int, "int"),
            (bool, "bool"),
            (Amount, "decimal"),
            (Side, "str"),
            (Level, "int"),
            (str | None, "str"),
            (Amount | None, "decimal"),
            (Annotated[Amount | None, Param()], "decimal"),
            (Annotated[datetime, Param(render=str, type="datetime")], "datetime"),
        ],
    )
    def test_types(self, annotation, name):
        """The type of an argument comes from its annotation or its `Param`."""

        async def it(self, x: annotation = None) -> str: ...

        (argument,) = declared(public("GET /x"), it).it.endpoint.arguments

        assert name == argument.type

    def test_arguments(self):
        """An argument has a name, a name on the wire, a place, and a required flag."""

        async def it(self, book: str, *, order: Annotated[int, Param(wire="id")], side: Side | None = None) -> str: ...

        found = declared(public("GET /{book}"), it).it.endpoint.arguments

        assert [("book", "book", True, True), ("order", "id", False, True), ("side", "side", False, False)] == [
            (a.name, a.wire, a.in_path, a.required) for a in found
        ]

    def test_positional(self):
        """The positional argument of an endpoint is known."""
        assert "order_id" == endpoint("fourth.trading.cancel").positional

    def test_defaults(self):
        """An endpoint that declares nothing else reads at most 1 MiB and has the client's deadline."""
        found = endpoint("fourth.trading.order")

        assert (1024 * 1024, None) == (found.max_bytes, found.timeout_seconds)

    def test_doc(self):
        """The docstring of the declaration is kept."""
        assert "One thing." == endpoint("fourth.market.thing").doc

    def test_repr_is_short(self):
        """The repr of an endpoint leaves out the API."""
        assert "read_problem" not in repr(endpoint("fourth.market.thing"))

    def test_method_keeps_its_name(self):
        """The method of an area is still the declared one to the reader."""
        method = areas_of(Fourth)["trading"].cancel

        assert ("cancel", "Something that may be repeated.") == (method.__name__, method.__doc__)


class Recorder:
    """Takes calls instead of a session."""

    def __init__(self):
        self.calls = []

    async def __call__(self, endpoint, arguments):
        self.calls.append((endpoint.id, arguments))
        return "answer"


class TestCalling:
    @pytest.fixture
    def recorder(self):
        return Recorder()

    @pytest.fixture
    def area(self, recorder):
        async def it(self, a: str = "x", *, b: int | None = None) -> str: ...

        return declared(public("GET /x"), it)(recorder)

    @pytest.mark.parametrize(
        ("args", "kwargs", "arguments"),
        [
            ((), {}, {}),
            (("y",), {}, {"a": "y"}),
            (("y",), {"b": 1}, {"a": "y", "b": 1}),
            ((), {"b": 1, "a": "y"}, {"a": "y", "b": 1}),
            ((), {"c": 1}, {"c": 1}),
        ],
    )
    async def test_arguments(self, area, recorder, args, kwargs, arguments):
        """A call passes its arguments on by name, unchanged."""
        await area.it(*args, **kwargs)

        assert [("fourth.things.it", arguments)] == recorder.calls

    async def test_answer(self, area):
        """A call returns the session's answer."""
        assert "answer" == await area.it()

    @pytest.mark.parametrize(("args", "kwargs"), [(("y", 1), {}), (("y",), {"a": "z"})])
    async def test_too_many_positionals(self, area, recorder, args, kwargs):
        """More than one positional argument, or the same argument twice, is refused before anything happens."""
        with pytest.raises(UsageError, match=r"fourth\.things\.it: arguments are passed by name: it\("):
            await area.it(*args, **kwargs)

    async def test_no_positional(self, recorder):
        """An endpoint without a positional argument accepts none."""

        async def it(self, *, a: str) -> str: ...

        with pytest.raises(UsageError, match="arguments are passed by name"):
            await declared(public("GET /x"), it)(recorder).it("y")


class TestAreas:
    def test_areas_of(self):
        """The annotations of a client are its areas, those of older generations among them."""
        assert ["market", "trading", "v1"] == list(areas_of(Fourth))

    def test_other_annotations_are_no_areas(self):
        """An annotation of another type is no area."""

        class Bundle(Areas):
            name: str
            market: Market

        assert ["market"] == list(areas_of(Bundle))

    def test_endpoints_of(self):
        """All endpoints of a client are found, in order of declaration."""
        expected = ["fourth.market.thing", "fourth.market.slow", "fourth.trading.order", "fourth.trading.cancel"]
        expected += ["fourth.trading.create_address", "fourth.trading.create_order", "fourth.v1.oldtrading.order"]

        assert expected == [e.id for e in endpoints_of(Fourth)]

    @pytest.mark.parametrize("client", [Bitex, Bitso, Bitstamp])
    def test_ids_are_paths(self, client):
        """Each id leads, attribute by attribute, from the client to the call."""
        for e in endpoints_of(client):
            exchange, *path, name = e.id.split(".")
            bundle = client
            for part in path:
                bundle = areas_of(bundle)[part]
            assert (client.exchange, e) == (exchange, getattr(bundle, name).endpoint)

    @pytest.mark.parametrize("client", [Bitex, Bitso, Bitstamp])
    def test_ids_are_unique(self, client):
        """No two calls of a client have the same id."""
        ids = [e.id for e in endpoints_of(client)]

        assert sorted(set(ids)) == sorted(ids)
