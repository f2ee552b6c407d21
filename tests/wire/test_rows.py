import logging
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

import pytest
from attrs import frozen

from exchanges.errors import DecodeError
from exchanges.wire import RawJson, Row, TaggedRow, UnixTime, UnknownRow, Wire, dumps, encode
from exchanges.wire import decode as public_decode
from exchanges.wire.models import named


@frozen
class Pair(Row):
    price: Decimal
    amount: Decimal


@frozen
class Order(TaggedRow):
    class_reference = 1

    id: int
    at: UnixTime
    note: str | None = None
    fee: Decimal | None = None


@frozen
class Sale(TaggedRow):
    class_reference = 2

    id: int
    at: UnixTime
    note: str | None = None
    fee: Decimal | None = None


Either = Order | Sale
Known = Order | Sale | UnknownRow

AT = datetime(2000, 1, 1, 0, 10, tzinfo=UTC)  # 946685400 by `date -u -d @946685400`
DRIFTED = {
    "short tail": (Order, [1, 7, 946685400], Order(7, AT)),
    "shorter tail": (Order, [1, 7, 946685400, "n"], Order(7, AT, "n")),
    "surplus": (Order, [1, 7, 946685400, "n", 1, "x", None], Order(7, AT, "n", Decimal(1), extra=("x", None))),
    "surplus of an untagged row": (Pair, [1, 2, 3], Pair(Decimal(1), Decimal(2))),
    "unknown reference": (Known, [9, 7, "x"], UnknownRow((9, 7, "x"))),
    "surplus out of bounds": (
        Order,
        [1, 7, 946685400, "n", 1, Decimal("NaN"), {"a": [Decimal("1E-1000000")]}, 2],
        Order(7, AT, "n", Decimal(1), extra=(None, None, 2)),
    ),
    "unknown reference, out of bounds": (Known, [9, Decimal("1E+61"), "x"], UnknownRow((9, None, "x"))),
    "a reference as text": (Order, ["1", 7, 946685400, "n", 1], Order(7, AT, "n", Decimal(1))),
    "a number as text": (Pair, ["1.5", 2], Pair(Decimal("1.5"), Decimal(2))),
}
REFUSED = {
    "missing": (Order, [1, 7], "it: Order position 2 (at): expected a value, found the end of the row"),
    "nothing": (Pair, [], "it: Pair position 0 (price): expected a value, found the end of the row"),
    "null": (Order, [1, None, 946685400], "it: Order position 1 (id): expected a whole number"),
    "wrong type": (Order, [1, 7, "secret"], "it: Order position 2 (at): expected a decimal number"),
    "wrong type of what may be missing": (
        Order,
        [1, 7, 946685400, "n", "secret"],
        "it: Order position 4 (fee): expected a decimal number",
    ),
    "untagged": (Pair, [1, "secret"], "it: Pair position 1 (amount): expected a decimal number"),
    "an object": (Order, {"id": "secret"}, "it: Order: expected a row"),
    "a text": (Pair, "secret", "it: Pair: expected a row"),
    "in a list": (
        list[Known],
        [[1, 7, 946685400, "n", 1], [1, "secret", 1]],
        "it[1]: Order position 1 (id): expected a whole number",
    ),
    "a reference as text": (Known, ["1", 7], "it: row position 0: expected a class reference among [1, 2]"),
    "no reference": (Known, [], "it: row position 0: expected a class reference among [1, 2]"),
    "no row": (Known, None, "it: row position 0: expected a class reference among [1, 2]"),
    "a closed set": (Either, [9, 7], "it: row position 0: expected a class reference among [1, 2]"),
    "true for one": (Known, [True, 7, 946685400], "it: row position 0: expected a class reference among [1, 2]"),
}
STRICTLY = {
    "short tail": "it: Order: expected a row of 5",
    "shorter tail": "it: Order: expected a row of 5",
    "surplus": "it: Order: expected a row of 5",
    "surplus of an untagged row": "it: Pair: expected a row of 2",
    "unknown reference": "it: row position 0: expected a class reference among [1, 2]",
    "a reference as text": "it: Order position 0: expected class reference 1",
    "a number as text": "it: Pair position 0 (price): expected a decimal number",
}


def message(wire, value, annotation):
    """Return the message about a value that cannot be read."""
    with pytest.raises(DecodeError) as caught:
        wire.structure(value, annotation, "it")
    return str(caught.value)


def test_order_of_fields():
    """The order of the fields is the order on the wire, after the class reference."""
    order = Wire(strict=True).structure([1, 7, 946685400, "n", Decimal("0.5")], Order, "it")

    assert Order(id=7, at=AT, note="n", fee=Decimal("0.5")) == order


@pytest.mark.parametrize(("annotation", "cells", "expected"), DRIFTED.values(), ids=DRIFTED)
def test_survived(annotation, cells, expected):
    """A row that is longer, shorter or of another class is read as far as possible."""
    assert expected == Wire().structure(cells, annotation, "it")


@pytest.mark.parametrize(("case", "expected"), STRICTLY.items())
def test_not_survived_strictly(case, expected):
    """A strict client refuses every deviation, and the message says where and what."""
    annotation, cells, _ = DRIFTED[case]

    assert expected == message(Wire(strict=True), cells, annotation)


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(("annotation", "cells", "expected"), REFUSED.values(), ids=REFUSED)
def test_refused(annotation, cells, expected, strict):
    """The message about an unreadable cell names class, position and field, never the value."""
    assert expected == message(Wire(strict=strict), cells, annotation)


@pytest.mark.parametrize("cells", [[2, 7, 946685400], ["2", 7, 946685400], [None, 7, 946685400], [[], 7, 946685400]])
def test_another_class(cells):
    """A row of another class is never read as the one that is declared: an ask with the number of a bid is no bid."""
    with pytest.raises(DecodeError) as caught:
        Wire().structure(cells, Order, "it")

    assert "it: Order position 0: expected class reference 1" == str(caught.value)


def test_null_in_the_middle():
    """A null for an optional value is None."""
    order = Wire(strict=True).structure([1, 7, 946685400, None, 1], Order, "it")

    assert Order(7, AT, None, Decimal(1)) == order


def test_null_in_place_of_a_number_strictly():
    """A strict client refuses null where the documents show a number, with its place."""
    said = message(Wire(strict=True), [1, 7, 946685400, "n", None], Order)

    assert said == "it: Order position 4 (fee): expected a number, found null"


def test_null_in_place_of_a_number_is_reported_once(caplog):
    """A null where the documents show a number is None, and is logged once per field."""
    rows = Wire().structure([[1, 7, 946685400, "n", None]] * 1000, list[Known], "it")

    assert [None] * 1000 == [row.fee for row in rows]
    assert ["drift: Order (fee): expected a number, found null"] == [r.message for r in caplog.records]


def test_an_empty_text_is_no_number():
    """An empty text for an optional number is None."""
    assert Wire().structure([1, 7, 946685400, "n", ""], Order, "it").fee is None


def test_an_empty_text_is_a_text():
    """An empty text for an optional text stays a text."""
    assert Wire().structure([1, 7, 946685400, ""], Order, "it").note == ""


def test_a_list_tells_classes_apart():
    """Each row of a list becomes an instance of the class that its reference names."""
    rows = Wire().structure([[2, 7, 946685400], [1, 7, 946685400], [9]], list[Known], "it")

    assert [Sale, Order, UnknownRow] == [type(row) for row in rows]


@pytest.mark.parametrize("case", [case for case in DRIFTED if case != "a number as text"])
def test_drift_is_reported(case, caplog):
    """Drift is tolerated with a warning that names the class, and not the value."""
    annotation, cells, _ = DRIFTED[case]

    Wire().structure(cells, annotation, "it")

    assert [("exchanges.wire.converter", logging.WARNING)] == [(r.name, r.levelno) for r in caplog.records]


def test_drift_is_reported_once(caplog):
    """The same drift of a thousand rows is logged once."""
    Wire().structure([[1, 7, 946685400]] * 1000, list[Known], "it")

    assert ["drift: Order: expected a row of 5"] == [r.message for r in caplog.records]


def test_each_kind_of_drift_is_reported(caplog):
    """Two kinds of drift are two warnings."""
    Wire().structure([[1, 7, 946685400], [2, 7, 946685400], [9, "secret"]], list[Known], "it")

    assert [
        "drift: Order: expected a row of 5",
        "drift: Sale: expected a row of 5",
        "drift: row position 0: expected a class reference among [1, 2]",
    ] == [r.message for r in caplog.records]


@pytest.mark.parametrize(
    ("row", "cells"),
    [
        (Pair(Decimal("1.50"), Decimal(2)), [Decimal("1.50"), 2]),
        (Order(7, AT, "n", Decimal("0.10")), [1, 7, 946685400, "n", Decimal("0.10")]),
        (Order(7, AT), [1, 7, 946685400]),
        (Order(7, AT, None, Decimal(0)), [1, 7, 946685400, None, 0]),
        (Order(7, AT, extra=("x",)), [1, 7, 946685400, None, None, "x"]),
        (UnknownRow((9, None, "x", None)), [9, None, "x", None]),
        ([Order(7, AT), UnknownRow((9,))], [[1, 7, 946685400], [9]]),
        ((Pair(Decimal(1), Decimal(2)),), [[1, 2]]),
    ],
)
def test_encode(row, cells):
    """A row is encoded as the list that was received; None at its end is not sent."""
    assert cells == encode(row)


def test_surplus_does_not_show():
    """Surplus cells stay out of the repr: they may contain a secret."""
    assert "secret" not in repr(Order(7, AT, extra=("secret",)))


@frozen(kw_only=True)
class Thing:
    kind: Annotated[int, "any remark"] = named("type")
    price: Decimal
    tags: tuple[str, ...] = ()
    levels: tuple[Pair, ...] = ()
    prices: dict[str, Decimal] | None = None
    raw: RawJson = None


DOCUMENTED = {"type": 7, "price": Decimal("1.5"), "levels": [[1, 2]], "prices": {"a": 1}, "raw": {"x": [None]}}


class TestObjects:
    def test_read(self):
        """An object is read by the names on the wire."""
        expected = Thing(
            kind=7,
            price=Decimal("1.5"),
            levels=(Pair(Decimal(1), Decimal(2)),),
            prices={"a": Decimal(1)},
            raw={"x": [None]},
        )

        assert expected == Wire(strict=True).structure(DOCUMENTED, Thing, "it")

    def test_encode(self):
        """An object is encoded with the names on the wire, without fields that are None."""
        thing = Thing(kind=7, price=Decimal("1.5"))

        assert {"type": 7, "price": Decimal("1.5"), "tags": [], "levels": []} == encode(thing)

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ({"type": "secret"}, "it: Thing.kind: expected a whole number"),
            ({"price": None}, "it: Thing.price: expected a decimal number"),
            ({"tags": ["x", 1.5]}, "it: Thing.tags[1]: expected a text"),
            ({"tags": {}}, "it: Thing.tags: expected a list"),
            (
                {"levels": [[1, 2], [1, "secret"]]},
                "it: Thing.levels[1]: Pair position 1 (amount): expected a decimal number",
            ),
            ({"prices": {"secret": "secret"}}, "it: Thing.prices: expected a decimal number"),
            ({"prices": [1]}, "it: Thing.prices: expected an object"),
        ],
    )
    def test_refused(self, change, expected):
        """The message about a wrong value names the path to it, never the value."""
        assert expected == message(Wire(), DOCUMENTED | change, Thing)

    @pytest.mark.parametrize("key", ["type", "price"])
    def test_missing(self, key):
        """The message names a required value that is missing."""
        value = {k: v for k, v in DOCUMENTED.items() if k != key}
        field = {"type": "kind", "price": "price"}[key]

        assert f"it: Thing.{field}: expected a value, found none" == message(Wire(), value, Thing)

    @pytest.mark.parametrize("value", [[], "secret", None, 1])
    def test_no_object(self, value):
        """A value that is no object is refused."""
        assert "it: Thing: expected an object" == message(Wire(), value, Thing)

    def test_thousands_of_keys(self):
        """An object with too many keys is refused, even if they are unknown ones."""
        surplus = dict.fromkeys(map(str, range(10_000)))

        assert "it: Thing: expected an object" == message(Wire(), {**DOCUMENTED, **surplus}, Thing)

    def test_thousands_of_keys_that_are_data(self):
        """A table with too many keys is refused."""
        table = {str(n): 1 for n in range(10_001)}

        assert "it: Thing.prices: expected an object" == message(Wire(), {**DOCUMENTED, "prices": table}, Thing)

    def test_unknown_keys(self):
        """Unknown keys are ignored."""
        assert Thing(kind=7, price=Decimal(1)) == Wire().structure({"type": 7, "price": 1, "new": 1}, Thing, "it")

    def test_unknown_keys_strictly(self):
        """A strict client counts unknown keys in the message, and does not name them."""
        value = {"type": 7, "price": 1, "secret": 1}

        assert "it: Thing: expected no keys but the documented ones (1 more)" == message(
            Wire(strict=True), value, Thing
        )


class TestDecode:
    def test_where(self):
        """Messages about a decoded body name its class."""
        with pytest.raises(DecodeError) as caught:
            public_decode(b'{"price": 1}', Thing)

        assert "Thing: Thing.kind: expected a value, found none" == str(caught.value)

    def test_strict(self):
        """Strictness is the caller's choice."""
        with pytest.raises(DecodeError):
            public_decode(b"[1, 7, 946685400]", Order, strict=True)

    def test_there_and_back(self):
        """A round trip returns an equal object."""
        orders = [Order(7, AT, "n", Decimal("0.10"), extra=({"a": [1]},)), Sale(8, AT), UnknownRow((9, "x"))]

        assert orders == public_decode(dumps(encode(orders)), list[Known])
