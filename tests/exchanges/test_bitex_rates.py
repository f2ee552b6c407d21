import copy
import decimal
import pickle
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchanges import wire
from exchanges.bitex.models.rates import (
    ExchangeRate,
    FixedFee,
    MinimumFee,
    PercentualFee,
    RatesTree,
    UnknownStep,
    calculate,
    calculate_backwards,
)
from exchanges.bitex.rates import Rates
from exchanges.errors import DecodeError, UsageError
from tests.support.bitex_requests import ENDPOINTS, refused, sent
from tests.support.strategies import QUICK

MORE_MT = [ExchangeRate(Decimal("0.06675567")), PercentualFee(Decimal("3.63"))]
WIRE = b"""{
    "ars": {"cash": {"btc": {"bitex": {"more_mt": [
        {"type": "exchange", "rate": 0.06675567}, {"type": "percentual_fee", "percentage": 3.63}]}}}},
    "usd": {"bank": {"usd": {"bitex": {"swift": [{"type": "minimum_fee", "minimum": 60, "percentage": 0.8}],
                                       "cheque": [{"type": "fixed_fee", "amount": 2.5}]}}},
            "bitex": {"usd": {"bitex": {"none": []}}}}
}"""
TREE = wire.decode(WIRE, RatesTree, strict=True)

amounts = st.decimals(min_value="0.00000001", max_value="1000000000", places=8)
rates = st.decimals(min_value="0.000001", max_value="1000000", places=6)
percentages = st.decimals(min_value="0", max_value="99", places=3)
fees = st.decimals(min_value="0", max_value="10000", places=4)
steps = st.one_of(
    st.builds(ExchangeRate, rates),
    st.builds(PercentualFee, percentages),
    st.builds(FixedFee, fees),
    st.builds(MinimumFee, fees, percentages),
)


class TestTree:
    def test_a_path(self):
        """The tree maps the path of a conversion to its steps, in order."""
        assert tuple(MORE_MT) == TREE["ars", "cash", "btc", "bitex", "more_mt"]

    def test_a_path_as_text(self):
        """A path may be text as the exchange writes it."""
        assert tuple(MORE_MT) == TREE["ars/cash/btc/bitex/more_mt"]

    def test_paths(self):
        """All paths are listed in the exchange's order, empty conversions among them."""
        expected = [
            "ars/cash/btc/bitex/more_mt",
            "usd/bank/usd/bitex/swift",
            "usd/bank/usd/bitex/cheque",
            "usd/bitex/usd/bitex/none",
        ]

        assert expected == ["/".join(path) for path in TREE.paths]

    def test_it_is_a_mapping(self):
        """The tree is a mapping from paths to steps."""
        none = ("usd", "bitex", "usd", "bitex", "none")

        assert (4, True, False, ()) == (len(TREE), none in TREE, ("ars", "cash") in TREE, TREE[none])

    @pytest.mark.parametrize("path", ["ars/cash", "", ("ars",), (), ("ars", "cash", "btc", "bitex", "boat")])
    def test_no_such_path(self, path):
        """An unknown or incomplete path is a missing key."""
        with pytest.raises(KeyError):
            TREE[path]

    def test_it_cannot_be_changed(self):
        """Tree and table are immutable."""
        with pytest.raises(TypeError):
            TREE.branches[("ars",)] = ()
        with pytest.raises(AttributeError):
            TREE.branches = {}

    def test_equal_trees(self):
        """Trees with equal steps are equal, pickled and copied ones too."""
        assert TREE == pickle.loads(pickle.dumps(TREE)) == copy.deepcopy(TREE)  # noqa: S301

    def test_it_goes_back_as_it_came(self):
        """An encoded tree is the one that was decoded."""
        assert wire.loads(WIRE) == wire.encode(TREE)

    def test_it_prints_short(self):
        """The repr of a tree is its number of conversions."""
        assert "RatesTree(4 paths)" == repr(TREE)

    def test_an_unknown_step_is_kept(self):
        """A step of a type that the guide does not name keeps all its fields."""
        body = b'{"a": {"b": [{"type": "lottery", "odds": 0.5, "prize": null}]}}'
        tree = wire.decode(body, RatesTree)

        assert (UnknownStep("lottery", {"odds": Decimal("0.5"), "prize": None}),) == tree["a/b"]
        assert wire.loads(body) == wire.encode(tree)

    def test_an_unknown_step_when_strict(self):
        """A step of unknown type is an error if strict."""
        with pytest.raises(DecodeError) as caught:
            wire.decode(b'{"a": {"b": [{"type": "lottery"}]}}', RatesTree, strict=True)

        assert "expected a step of type exchange, percentual_fee" in str(caught.value)

    @pytest.mark.parametrize(
        "body",
        [
            b"[]",
            b'{"a": null}',
            b'{"a": 5}',
            b'{"a": [5]}',
            b'{"a": [{"rate": 5}]}',
            b'{"a": [{"type": "exchange"}]}',
            b'{"a": [{"type": "exchange", "rate": "much"}]}',
            b'{"a": [{"type": ["exchange"], "rate": 5}]}',
            b'{"a":' * 17 + b"[]" + b"}" * 17,
            b'{"a":' * 900 + b"[]" + b"}" * 900,
        ],
    )
    def test_another_shape(self, body):
        """Anything but a tree of steps is a decode error."""
        with pytest.raises(DecodeError):
            wire.decode(body, RatesTree)

    def test_steps_encode_alone(self):
        """A single step has its type on the wire, and is read by it."""
        step = MinimumFee(Decimal(60), Decimal("0.8"))
        travels = {"type": "minimum_fee", "minimum": Decimal(60), "percentage": Decimal("0.8")}

        assert (travels, step) == (wire.encode(step), wire.decode(wire.dumps(travels), MinimumFee, strict=True))

    def test_another_type(self):
        """A step of one type is not read as another."""
        with pytest.raises(DecodeError, match="a step of type fixed_fee"):
            wire.decode(b'{"type": "exchange", "amount": 5}', FixedFee)

    @settings(QUICK, max_examples=25)
    @given(
        st.dictionaries(
            st.tuples(*[st.text("abc/", min_size=1, max_size=4)] * 3), st.lists(steps, max_size=4), min_size=1
        )
    )
    def test_round_trip(self, table):
        """Every tree decodes from what it encodes to."""
        tree = RatesTree({path: tuple(of_path) for path, of_path in table.items()})

        assert tree == wire.decode(wire.dumps(wire.encode(tree)), RatesTree, strict=True)


class TestCalculating:
    def test_forwards(self):
        """1000 pesos in cash become exactly this amount on the guide's example path."""
        assert "64.332439179" == str(calculate(1000, MORE_MT))

    def test_backwards(self):
        """The amount that becomes 64, to 18 decimals."""
        back = calculate_backwards(64, MORE_MT)

        assert Decimal("994.832479799576479851") == back.quantize(Decimal("1e-18"))

    def test_the_area_calculates_too(self):
        """The area has both calculators."""
        assert (calculate, calculate_backwards) == (Rates.calculate, Rates.calculate_backwards)

    @pytest.mark.parametrize(
        ("step", "before", "after"),
        [
            (ExchangeRate(Decimal("0.5")), "100", "50"),
            (PercentualFee(Decimal(5)), "100", "95"),
            (PercentualFee(Decimal(0)), "100", "100"),
            (FixedFee(Decimal("2.5")), "100", "97.5"),
            (FixedFee(Decimal(100)), "2.5", "-97.5"),
            (MinimumFee(Decimal(60), Decimal("0.8")), "100", "40"),
            (MinimumFee(Decimal(60), Decimal("0.8")), "7500", "7440"),
            (MinimumFee(Decimal(60), Decimal("0.8")), "10000", "9920"),
            (MinimumFee(Decimal(60), Decimal("0.8")), "10", "-50"),
        ],
    )
    def test_each_step(self, step, before, after):
        """Each step is applied as the guide explains, and reversing it returns the first amount."""
        assert (Decimal(after), Decimal(before)) == (calculate(before, [step]), calculate_backwards(after, [step]))

    def test_fixed_fees_are_taken_off(self):
        """Quirk: the guide's sample multiplies by a fixed fee; it is subtracted, as the guide's text explains."""
        assert 900 == calculate(1000, [FixedFee(Decimal(100))])

    def test_steps_are_undone_from_the_last(self):
        """Backwards, the last step is reversed first."""
        path = [FixedFee(Decimal(10)), ExchangeRate(Decimal(2))]

        assert (180, 100) == (calculate(100, path), calculate_backwards(180, path))

    @pytest.mark.parametrize(
        ("amount", "text"), [(1000, "1000"), ("0.10", "0.1"), (Decimal("1E+3"), "1000"), (0, "0"), ("-5.0", "-5")]
    )
    def test_no_steps(self, amount, text):
        """Without steps an amount does not change, and has plain digits."""
        assert (text, text) == (str(calculate(amount, [])), str(calculate_backwards(amount, iter([]))))

    @pytest.mark.parametrize("prec", [1, 5, 200])
    def test_the_callers_context_does_not_matter(self, prec):
        """The caller's decimal context neither rounds the result nor changes."""
        expected = str(calculate_backwards(64, MORE_MT))
        context = decimal.Context(prec=prec, rounding=decimal.ROUND_UP, traps=[decimal.Inexact])

        with decimal.localcontext(context) as own:
            result = str(calculate_backwards(64, MORE_MT))
            flags = [flag for flag, is_set in own.flags.items() if is_set]

        assert (expected, []) == (result, flags)

    @settings(QUICK, max_examples=100)
    @given(amounts, st.lists(steps, max_size=5))
    def test_backwards_is_the_inverse(self, amount, path):
        """The result of the backward calculation becomes the amount again, to forty digits."""
        back = calculate(calculate_backwards(amount, path), path)

        assert abs(back - amount) <= Decimal("1e-40") * max(amount, 1)

    def test_an_unknown_step(self):
        """A step of unknown type is rejected by name in both directions."""
        for way in (calculate, calculate_backwards):
            with pytest.raises(UsageError, match="a step of type 'lottery' is not known"):
                way(1000, [UnknownStep("lottery")])

    @pytest.mark.parametrize(
        "step", [ExchangeRate(Decimal(0)), PercentualFee(Decimal(100)), MinimumFee(Decimal(1), Decimal(100))]
    )
    def test_what_cannot_be_undone(self, step):
        """A step with the same result for all amounts cannot be reversed."""
        with pytest.raises(UsageError, match="cannot be calculated with"):
            calculate_backwards(5, [step])

    @pytest.mark.parametrize("step", [ExchangeRate(0.5), FixedFee("5"), ExchangeRate(Decimal("sNaN"))])
    def test_inexact_steps(self, step):
        """A step without an exact number is rejected."""
        with pytest.raises(UsageError, match="cannot be calculated with"):
            calculate(5, [step])

    @pytest.mark.parametrize("step", [{"type": "exchange", "rate": 5}, None, 5])
    def test_no_step(self, step):
        """Anything but a step is rejected."""
        with pytest.raises(UsageError, match="a step is an ExchangeRate or a fee"):
            calculate(5, [step])

    @pytest.mark.parametrize("amount", [1.5, True, None, "1,5", "1_000", "", "NaN", Decimal("inf"), Decimal("NaN")])
    def test_no_amount(self, amount):
        """Anything but an exact number is rejected."""
        with pytest.raises(UsageError, match="amount must be"):
            calculate(amount, MORE_MT)


class TestRequests:
    @pytest.mark.parametrize("path", ["ars/cash/btc/bitex/more_mt", ("ars", "cash", "btc", "bitex", "more_mt")])
    def test_a_path(self, path):
        """A path is sent as one text, whether given as text or tuple."""
        target = sent("rates.calculate_path", amount=1000, path=path).target

        assert target == "/api-v1/rest/rates/calculate_path?amount=1000&path=ars%2Fcash%2Fbtc%2Fbitex%2Fmore_mt"

    @pytest.mark.parametrize("path", ["", "/", "ars//btc", (), ("ars", ""), ("ars", 5), ("a/b",), "a\nb", None, 5, {}])
    def test_no_path(self, path):
        """A path with an empty part, or of another type, is rejected."""
        assert "path must be" in refused("rates.calculate_path", amount=1000, path=path)

    @pytest.mark.parametrize("body", [b"64.332439179", b'"64.332439179"'])
    def test_the_answer(self, body):
        """The hosted calculator's answer is exact, as a number or as text."""
        assert Decimal("64.332439179") == wire.decode(body, ENDPOINTS["rates.calculate_path"].answer)
