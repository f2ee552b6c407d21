from decimal import Decimal, localcontext

import pytest

from exchanges.endpoint.arguments import check
from exchanges.errors import UsageError
from tests.support.sample_calls import Calls, Level, Side, call, order, refusal

NOT_PLAIN = [
    "1e5",
    "1E-8",
    "-1",
    "+1",
    " 1",
    "1 ",
    "1\n",
    "1_000",
    "1,5",
    ".5",
    "5.",
    "",
    "NaN",
    "inf",
    "\u0661",
    "0x1",
]


class TestMoney:
    @pytest.mark.parametrize(
        ("given", "sent"),
        [
            (Decimal("10000.05"), "10000.05"),
            (Decimal("1.50"), "1.50"),
            (Decimal("1E+2"), "100"),
            (Decimal("1E-8"), "0.00000001"),
            (Decimal("1.5E+3"), "1500"),
            (Decimal(123456789012345678901234567890), "123456789012345678901234567890"),
            (Decimal("0.123456789012345678901234567890"), "0.123456789012345678901234567890"),
            (7, "7"),
            (10**29, "1" + "0" * 29),
            ("0.10", "0.10"),
            ("007", "7"),
        ],
    )
    def test_written_plainly(self, given, sent):
        """An amount is sent in plain notation with every digit."""
        assert f"amount={sent}&count=1" == order(amount=given)

    def test_the_caller_s_context_decides_nothing(self):
        """A coarse decimal context of the caller does not round an amount."""
        with localcontext() as context:
            context.prec = 2
            body = order(amount=Decimal("123.456"))

        assert "amount=123.456&count=1" == body

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            (1.5, "amount must be a Decimal, an int or a decimal str, not float (a float has lost digits already)"),
            (float("nan"), "not float"),
            (True, "not bool"),
            (None, "not NoneType"),
            (b"1", "not bytes"),
            ([1], "not list"),
            (1j, "not complex"),
            (Decimal("NaN"), "amount must be a finite number above zero"),
            (Decimal("sNaN"), "amount must be a finite number above zero"),
            (Decimal("Infinity"), "amount must be a finite number above zero"),
            (Decimal("-Infinity"), "amount must be a finite number above zero"),
            (Decimal(0), "amount must be a finite number above zero"),
            (Decimal("-0"), "amount must be a finite number above zero"),
            (0, "amount must be a finite number above zero"),
            (-1, "amount must be a finite number above zero"),
            (Decimal("-0.01"), "amount must be a finite number above zero"),
            ("0", "amount must be a finite number above zero"),
            ("0.00", "amount must be a finite number above zero"),
            (Decimal("1" * 31), "amount must have at most 30 digits"),
            (10**30, "amount must have at most 30 digits"),
            pytest.param(10**5000, "amount must have at most 30 digits", id="5001 digits"),
            ("1." + "1" * 30, "amount must have at most 30 digits"),
            (Decimal("1E+30"), "amount must have at most 30 digits"),
            (Decimal("1E-31"), "amount must have at most 30 digits"),
            (Decimal("1E+1000000"), "amount must have at most 30 digits"),
            *((text, "amount must be written in plain decimal digits") for text in NOT_PLAIN),
        ],
    )
    def test_refused(self, given, words):
        """An amount that is not exact or not above zero is refused."""
        assert words in refusal(amount=given)


class TestNumbers:
    @pytest.mark.parametrize("given", [0, 1, 2**63 - 1])
    def test_whole(self, given):
        """A whole number is sent unchanged."""
        assert f"amount=1&count={given}" == order(count=given)

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            (-1, "count must lie between 0 and 9223372036854775807"),
            (2**63, "count must lie between 0 and 9223372036854775807"),
            (1.0, "count must be an int, not float"),
            ("1", "count must be an int, not str"),
            (Decimal(1), "count must be an int, not Decimal"),
            (True, "count must be an int, not bool"),
        ],
    )
    def test_refused(self, given, words):
        """A number that is not whole or below zero is refused."""
        assert words in refusal(count=given)

    @pytest.mark.parametrize("given", [Level.ONE, 1])
    def test_a_code(self, given):
        """A code is a member of its enum, or the number."""
        assert "amount=1&count=1&level=1" == order(level=given)


class TestTexts:
    @pytest.mark.parametrize(
        ("given", "sent"),
        [
            ("a b", "a+b"),
            ("a&b=c", "a%26b%3Dc"),
            ("ñ", "%C3%B1"),
            ("a+b", "a%2Bb"),
            ("%41", "%2541"),
            ("x" * 1000, "x" * 1000),
            ("", ""),
        ],
    )
    def test_escaped(self, given, sent):
        """A text in a form is escaped, so that it can only be itself."""
        assert f"amount=1&count=1&note={sent}" == order(note=given)

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ("x" * 1001, "note must have at most 1000 characters"),
            ("a\nb", "note must not hold control characters"),
            ("a\x00", "note must not hold control characters"),
            ("a\x7f", "note must not hold control characters"),
            ("\u202e", "note must not hold control characters"),
            ("\ud800", "note must not hold control characters"),
            (1, "note must be a str, not int"),
            (b"x", "note must be a str, not bytes"),
            (True, "note must be a str, not bool"),
        ],
    )
    def test_refused(self, given, words):
        """A text that is too long, or holds control characters, is refused."""
        assert words in refusal(note=given)

    @pytest.mark.parametrize("given", [Side.SELL, "sell"])
    def test_a_word(self, given):
        """A word is a member of its enum, or the text."""
        assert "amount=1&count=1&side=sell" == order(side=given)

    @pytest.mark.parametrize("given", ["hold", "BUY", "", Side("borrow")])
    def test_no_such_word(self, given):
        """A word that the documents do not name is refused, with those that they do."""
        assert "side must be one of buy, sell" in refusal(side=given)

    @pytest.mark.parametrize("given", [1, ["buy"], {"buy"}, object()])
    def test_no_word(self, given):
        """A member of an enum of texts must be a text."""
        assert "side must be a str" in refusal(side=given)


class TestFlags:
    @pytest.mark.parametrize(("given", "sent"), [(True, "true"), (False, "false")])
    def test_sent(self, given, sent):
        """A flag is sent as a word."""
        assert f"amount=1&count=1&hidden={sent}" == order(hidden=given)

    @pytest.mark.parametrize("given", [1, 0, "true", ""])
    def test_refused(self, given):
        """Nothing but a bool is a flag."""
        assert "hidden must be a bool" in refusal(hidden=given)


class TestArguments:
    def test_missing(self):
        """An argument that is required and missing is named."""
        with pytest.raises(UsageError) as caught:
            call("order", book="b")

        assert "amount is missing" in str(caught.value)

    def test_unknown(self):
        """An argument that the endpoint does not have is named."""
        assert "no such argument: colour, size" in refusal(size=1, colour="red")

    def test_none_is_not_sent(self):
        """An optional argument that is None is not sent."""
        assert "amount=1" == order(count=None, side=None, note=None, tag=None)

    def test_order_of_the_declaration(self):
        """Arguments are sent in the order of the declaration, whatever the order of the call."""
        assert "amount=1&count=2&hidden=true&note=n" == order(note="n", hidden=True, count=2)

    def test_wire_name(self):
        """A renamed argument is sent under its name on the wire."""
        assert "amount=1&count=1&label=ABC" == order(tag="abc")

    def test_a_rendering_that_refuses(self):
        """The message of an argument's own rendering reaches the caller."""
        assert "tag must be letters" in refusal(tag="a1")

    def test_a_check_of_one(self):
        """The check of an argument gets the rendered value, and its message reaches the caller."""
        assert "amount must be at least 100" in refusal("large", amount=Decimal("99.99"))

    def test_a_check_of_all(self):
        """The check of an endpoint gets all arguments, and its message reaches the caller."""
        assert "give note or tag, not both" in refusal(note="n", tag="t")

    def test_the_message(self):
        """The message of a refusal has endpoint, route and argument, and says that nothing was sent."""
        expected = "test.calls.order (POST /orders/{book}): count must be an int, not float; nothing was sent"

        assert expected == refusal(count=1.5)

    def test_the_endpoint(self):
        """A refusal carries the id of the endpoint."""
        with pytest.raises(UsageError) as caught:
            call("order")

        assert "test.calls.order" == caught.value.endpoint

    def test_nothing_behind_it(self):
        """A refusal has no cause and hides its context."""
        with pytest.raises(UsageError) as caught:
            order(amount=1.5)

        assert (None, True) == (caught.value.__cause__, caught.value.__suppress_context__)

    @pytest.mark.parametrize(
        "given", [{"amount": "secret"}, {"note": "secret\n"}, {"side": "secret"}, {"count": "secret"}]
    )
    def test_values_stay_out_of_messages(self, given):
        """A refusal does not quote the value."""
        assert "secret" not in refusal(**given)

    def test_check_alone(self):
        """`check` returns the values for the wire by the names of the arguments."""
        values = check(Calls.order.endpoint, {"book": "b", "amount": Decimal("1E+2"), "tag": "t"})

        assert {"book": "b", "amount": "100", "count": 1, "tag": "T"} == values
