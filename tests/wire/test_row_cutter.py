"""Large lists of rows are cut and checked while they arrive, and built when they are accessed."""

import copy
import json
import logging
import pickle
import random
import re
import tracemalloc
from collections.abc import Sequence

import pytest

from exchanges.bitex import Movement, Transaction
from exchanges.errors import DecodeError
from exchanges.wire import Deviation, UnknownRow, Wire, decode, encode, loads
from exchanges.wire.large_lists import cutter_of
from exchanges.wire.odd_rows import LEFT_OUT
from exchanges.wire.row_cutter import LARGE_BYTES, MAX_ROW_BYTES, MAX_SLOW_PIECES, PIECE_BYTES, count_rows
from exchanges.wire.row_patterns import pattern_of
from tests.support.large_lists import ARCHIVE, SUMMARY, listed
from tests.wire.test_fast_rows import ANSWERS, ODD, one_odd_value, one_value_less, one_value_more

WIRES = {False: Wire(), True: Wire(strict=True)}
ROWS = {"bitex.account.account_summary": Movement, "bitex.market.transactions_archive": Transaction}


def cut(body, of=Transaction, size=None, *, strict=False):
    """Feed *body* to a cutter, *size* bytes at a time; return it and the number of steps behind the last byte."""
    cutter = cutter_of(WIRES[strict], Sequence[of], "it")
    size = size or len(body)
    for start in range(0, len(body), size):
        cutter.add(body[start : start + size])
    return cutter, sum(1 for _ in cutter.steps())


def read(body, of=Transaction, **options):
    """Return the rows of *body*, or what is wrong with it."""
    try:
        return cut(body, of, **options)[0].result()
    except DecodeError as error:
        return str(error)


@pytest.mark.parametrize(("rows", "of"), [(ARCHIVE, Transaction), (SUMMARY, Movement)], ids=["archive", "summary"])
@pytest.mark.parametrize("size", [PIECE_BYTES - 1, None])
def test_the_same_rows(rows, of, size):
    """A list that arrives in pieces has the rows of the list that is decoded at once."""
    body = listed(rows)

    assert decode(body, list[of]) == read(body, of, size=size)


def test_one_byte_after_the_other():
    """Where the answer is cut on its way does not matter."""
    body = listed(ARCHIVE[:300])

    assert decode(body, list[Transaction]) == read(body, size=1)


@pytest.mark.parametrize("body", [b"[]", b" [ ] ", b"\xef\xbb\xbf[]", b"[\n]\n"])
def test_no_rows(body):
    """An empty list has no rows."""
    assert read(body) == []


@pytest.mark.parametrize("first", [b"", b" ", b"\xef\xbb\xbf", b"\xef\xbb\xbf \n"])
def test_blanks(first):
    """Blanks and a byte order mark around the list, and blanks between its rows, are no rows."""
    body = first + b"[ " + b" ,\n".join(ARCHIVE[:3]) + b"\t] \n"

    assert decode(listed(ARCHIVE[:3]), list[Transaction]) == read(body)


def test_access():
    """Rows are accessed like those of any sequence."""
    rows, expected = read(listed(ARCHIVE)), decode(listed(ARCHIVE), list[Transaction])
    places = random.Random(1).sample(range(-len(expected), len(expected)), 50)

    assert [expected[i] for i in places] == [rows[i] for i in places]
    assert (expected[5:900:7], expected[-3:]) == (rows[5:900:7], rows[-3:])
    assert (expected[::-1], len(expected)) == (list(reversed(rows)), len(rows))
    assert expected[1234] in rows
    assert expected.index(expected[1234]) == rows.index(expected[1234])


def test_no_such_row():
    """A position behind the last row is an `IndexError`."""
    rows = read(listed(ARCHIVE[:200]))

    for position in (200, -201):
        with pytest.raises(IndexError):
            rows[position]


def test_equality():
    """Rows equal the same rows in another sequence, and nothing else; they have no hash."""
    rows, same = read(listed(ARCHIVE[:200])), read(listed(ARCHIVE[:200]))

    assert rows == same == tuple(rows)
    assert rows != read(listed(ARCHIVE[:199]))
    assert rows != "rows"
    with pytest.raises(TypeError):
        hash(rows)


def test_copies():
    """Rows are copied and pickled as a list, and sent as one."""
    rows = read(listed(ARCHIVE[:200]))

    assert rows == copy.deepcopy(rows) == pickle.loads(pickle.dumps(rows)) == list(rows)  # noqa: S301 - our own
    assert loads(listed(ARCHIVE[:200])) == encode(rows)


def test_what_is_shown():
    """Few rows are shown like a list, many by their number and the first."""
    few, many = read(listed(ARCHIVE[:2])), read(listed(ARCHIVE))

    assert repr(list(few)) == repr(few)
    assert f"<{len(ARCHIVE):,} rows, the first {many[0]!r}>" == repr(many)


@pytest.mark.parametrize(
    "bad", [b"[1,2,3]", b"[1490605200,1,1,true]", b"7", b"{}", b'"\\ud800"', b"[1,1,1,1,]", b"[1}"]
)
@pytest.mark.parametrize("at", [0, 1, 1000, 2999])
def test_a_bad_row(bad, at):
    """What is no row is an error that names it, or where it is no JSON the piece that it is in."""
    rows = ARCHIVE[:3000]
    named = re.match(r"it\[([0-9]+)\]", read(listed([*rows[:at], bad, *rows[at + 1 :]])))

    assert named
    assert at - PIECE_BYTES // len(rows[at]) <= int(named[1]) <= at


@pytest.mark.parametrize("at", [0, 1, 1000, 2999])
def test_the_number_of_a_bad_row(at):
    """The number of a bad row is that in the whole list, not that in its piece."""
    rows = ARCHIVE[:3000]
    body = listed([*rows[:at], b"[1490605200,1,true,1]", *rows[at + 1 :]])

    assert f"it[{at}]: Transaction position 2 (price): expected a decimal number" == read(body)


@pytest.mark.parametrize(
    "body",
    [
        listed(ARCHIVE)[:-1],
        listed(ARCHIVE) + b"]",
        listed(ARCHIVE) + listed(ARCHIVE),
        listed(ARCHIVE)[:-1] + b",]",
        listed(ARCHIVE)[:-1] + b",,]",
        b"[," + listed(ARCHIVE)[1:],
        b"[" * 100_000,
        b'["' + b"x" * 100_000,
        b'["' + b"x" * 100_000 + b'"]',
        b"[" + b" " * 100_000,
        b"[" + b"1" * 100_000 + b"]",
        b"[" + b"[]," * 50_000 + b"[]]",
        b"[" + b"[99,1]," * 50_000 + b"[99,1]]",
        b"x" * 100_000,
        b'{"error":"no"}' + listed(ARCHIVE),
    ],
    ids=lambda body: f"{body[:12]}...{body[-5:]}",
)
@pytest.mark.parametrize("size", [5000, None])
def test_no_list_of_rows(body, size):
    """What is no list of rows is refused, without being read to its end again and again."""
    assert read(body, size=size).startswith("it")


def test_rows_that_are_left_out():
    """Where rows may be left out, those that cannot be read are; each kind of them is reported."""
    said, bad = [], b"[1490605200,1,true,1]"
    rows = [*ARCHIVE[:1000], bad, *ARCHIVE[1000:3000], bad, bad]
    cutter = cutter_of(WIRES[False], Sequence[Transaction], "it", lambda *words: said.append(words))
    cutter.add(listed(rows))
    list(cutter.steps())

    assert decode(listed(ARCHIVE[:3000]), list[Transaction]) == cutter.result()
    assert {(f"a decimal number; {LEFT_OUT}", ": Transaction position 2 (price)")} == set(said)


@pytest.mark.parametrize(("good", "bad"), [(1000, 1001), (0, 1), (0, 100_000), (5000, 6100)])
def test_most_rows_cannot_be_read(good, bad):
    """If most rows cannot be read it is the list that has changed: that is an error, and soon."""
    rows = ARCHIVE[:good] + [b"[1490605200,1,true,1]"] * bad
    cutter = cutter_of(WIRES[False], Sequence[Transaction], "it", lambda *_: None)
    cutter.add(listed(rows))
    list(cutter.steps())

    with pytest.raises(
        DecodeError, match=rf"it\[{good}\]: Transaction position 2 \(price\): expected a decimal number"
    ):
        cutter.result()


def test_a_bad_row_ends_the_work():
    """What follows a bad row is neither checked nor kept."""
    cutter, steps = cut(b"[" + b"[]," * 500_000 + b"[]]")

    assert steps <= 1
    with pytest.raises(DecodeError, match=r"it\[0\]"):
        cutter.result()


@pytest.mark.parametrize("cells", [b"99,1", b'99,"a",[1],{}', b"99"])
def test_unknown_classes(cells):
    """Rows of a class that nobody knows are rows, however many there are."""
    rows = read(listed([b"[%b]" % cells] * 2000), Movement)

    assert [UnknownRow(tuple(loads(b"[%b]" % cells)))] * 2000 == rows


def test_a_list_of_unknown_classes_is_proven_by_its_pattern():
    """A large list of rows of a class that nobody knows is not read slowly."""
    assert len(read(listed([b"[99,1]"] * 100_000), Movement)) == 100_000


def slow(number):
    """Return a good row that no pattern proves, and that fills a piece."""
    return b"[1490605200,%d,1e-30,1%b]" % (number, b" " * (PIECE_BYTES - 60))


def test_rows_that_are_read_slowly():
    """Rows that their pattern does not prove are read like a small answer, each piece in a step of its own."""
    body = listed([slow(number) for number in range(50)])
    cutter, steps = cut(body)

    assert decode(body, list[Transaction]) == cutter.result()
    assert steps == 50


def test_too_many_rows_that_are_read_slowly():
    """A large answer is not read slowly: too many such rows are an error."""
    body = listed([slow(number) for number in range(MAX_SLOW_PIECES + 1)])

    assert read(body).startswith(f"it[{MAX_SLOW_PIECES}]: expected rows as documented")


def test_a_long_row():
    """A row may be longer than a piece, up to a bound."""
    text = b"x" * (MAX_ROW_BYTES - 200)
    row = b'[6,1,946685400,1,0.5,2,0,"1x","%b"]'
    short, long = (listed([*SUMMARY[:50], row % label, *SUMMARY[50:]]) for label in (text, text + b"x" * 300))

    assert decode(short, list[Movement]) == read(short, Movement, size=3000)
    assert read(long, Movement, size=3000) == f"it[50]: expected JSON, and at most {MAX_ROW_BYTES} bytes"


def test_each_call_does_little():
    """No call checks more than a bounded number of bytes, however many have arrived."""
    body = listed(ARCHIVE * 20)
    cutter, steps = cut(body)

    assert len(cutter.result()) == 20 * len(ARCHIVE)
    assert steps > len(body) / (40 * PIECE_BYTES)


def test_memory():
    """A large list takes at most twice its bytes."""
    body = listed(ARCHIVE * 5)
    chunks = [body[start : start + LARGE_BYTES] for start in range(0, len(body), LARGE_BYTES)]
    cutter = cutter_of(WIRES[False], Sequence[Transaction], "it")
    tracemalloc.start()
    for chunk in chunks:
        cutter.add(chunk)
    list(cutter.steps())
    rows = cutter.result()
    assert rows[0].id == rows[5000].id
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert most < 2 * len(body)


def test_drift_is_reported_on_access(caplog):
    """Drift in a large list is reported when its row is built, once."""
    caplog.set_level(logging.WARNING)
    body = listed([*SUMMARY, b"[99,1]"])
    rows = cutter_of(Wire(), Sequence[Movement], "it")
    rows.add(body)
    list(rows.steps())
    said = list(caplog.messages)
    assert UnknownRow((99, 1)) in rows.result()

    assert not [message for message in said if "class reference" in message]
    assert len([message for message in caplog.messages if "class reference" in message]) == 1


def test_a_strict_client():
    """For a strict client a large list of documented rows is checked as fast, and drift is an error."""
    body, drift = listed(ARCHIVE), listed([*ARCHIVE, b'["1490605200",1,1,1]'])

    assert decode(body, list[Transaction]) == read(body, strict=True)
    assert (
        read(drift, strict=True) == f"it[{len(ARCHIVE)}]: Transaction position 0 (timestamp): expected a decimal number"
    )


def test_a_small_list_is_built_at_once(caplog):
    """A small list is read like any answer: its drift is reported at once."""
    rows = Wire().rows(listed([b"[99,1]"]), Sequence[Movement])

    assert rows is None  # the reference path reads and reports it
    assert len(decode(listed(ARCHIVE[:5]), Sequence[Transaction])) == 5


@pytest.mark.parametrize("strict", [False, True], ids=["lax", "strict"])
@pytest.mark.parametrize("endpoint", ROWS)
@pytest.mark.parametrize("number", [10, pytest.param(len(ODD), marks=pytest.mark.stress)], ids=["some", "every"])
def test_what_a_pattern_matches_can_be_built(endpoint, number, strict):
    """Every row that the pattern of its class matches is built without an error, so that no access can fail."""
    of, wire = ROWS[endpoint], WIRES[strict]
    pattern = pattern_of(of, strict=strict)
    proven = 0
    for change in (one_odd_value, one_value_less, one_value_more):
        for body in change(ANSWERS[endpoint], random.Random(endpoint), number):
            inner = body[1:-1] + b","
            if body[:1] == b"[" and pattern.match(inner).end() == len(inner) and count_rows(inner):
                proven += 1
                try:
                    wire.hook(list[of])(loads(body))
                except Deviation as deviation:
                    raise AssertionError(body) from deviation

    assert proven > 1


def test_documented_rows_are_proven():
    """The pattern matches each row of the documents, for strict clients as well."""
    for name, of in ROWS.items():
        for row in ANSWERS[name]:
            assert pattern_of(of, strict=False).fullmatch(json.dumps(row, default=float).encode() + b",")
