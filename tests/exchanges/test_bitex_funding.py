from decimal import Decimal

import pytest

from exchanges import wire
from exchanges.bitex.models.funding import Address, MoreMtBranch
from exchanges.bitex.models.places import Country, CurrencyCode
from exchanges.errors import UsageError
from tests.support.bitex_requests import fields as form
from tests.support.bitex_requests import sent

ADDRESS = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"


class TestDeposits:
    def test_announcing(self):
        """An announcement is sent in the order of the guide's curl example."""
        body = sent(
            "funding.create_usd_deposit",
            country=Country.UY,
            amount=100,
            currency=CurrencyCode.UYU,
            deposit_method="bank",
        ).body

        assert b"api_key=k&country=UY&amount=100&currency=UYU&deposit_method=bank" == body

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            ({"country": "uy"}, "country must be an ISO country code of two capital letters"),
            ({"country": "URY"}, "country must be an ISO country code"),
            ({"currency": "UY"}, "currency must be an ISO currency code of three capital letters"),
            ({"currency": "pesos"}, "currency must be an ISO currency code"),
            ({"amount": 0}, "amount must be a finite number above zero"),
            ({"amount": 1.5}, "amount must be a Decimal"),
        ],
    )
    def test_what_cannot_be_announced(self, wrong, words):
        """Codes of another shape and invalid amounts are rejected before they are sent."""
        good = {"country": "UY", "amount": 100, "currency": "UYU", "deposit_method": "bank"}

        with pytest.raises(UsageError, match=words):
            sent("funding.create_usd_deposit", **{**good, **wrong})

    def test_a_new_country(self):
        """Codes that the guide does not name are sent."""
        fields = form("funding.create_usd_deposit", country="PY", amount=1, currency="PYG", deposit_method="bank")

        assert ("PY", "PYG") == (fields["country"], fields["currency"])

    def test_branches_are_no_deposit(self):
        """The path of the list of branches is not read as that of a deposit."""
        targets = [sent("funding.more_mt_branches").target, sent("funding.usd_deposit", deposit_id=5).target]

        assert [
            "/api-v1/rest/private/usd/deposits/more_mt_branches?api_key=k",
            "/api-v1/rest/private/usd/deposits/5?api_key=k",
        ] == targets

    def test_a_branch(self):
        """The position of a branch keeps every digit."""
        coords = {"longitude": Decimal("-58.52853700000003"), "latitude": Decimal("-34.641743")}
        value = {"name": "Pronto", "coords": coords, "address": "x", "city": "y", "short_city": "z", "country": "AR"}

        branch = wire.decode(wire.dumps(value), MoreMtBranch, strict=True)

        assert (Country.AR, coords["longitude"], value) == (
            branch.country,
            branch.coords.longitude,
            wire.encode(branch),
        )

    @pytest.mark.parametrize("code", [Country("XX"), CurrencyCode("XXX")])
    def test_codes_are_open(self, code):
        """A code that the guide does not name is kept as received."""
        assert (False, code.name) == (code.is_known, f"UNKNOWN_{code}")


class TestWithdrawals:
    def test_money(self):
        """A withdrawal of money sends the id of its instructions."""
        fields = form("funding.create_usd_withdrawal", amount="100.00", withdrawal_instruction_id=1)

        assert {"amount": "100.00", "withdrawal_instruction_id": "1"} == fields

    def test_coins(self):
        """A withdrawal of coins sends their destination."""
        fields = form("funding.create_btc_withdrawal", address="1abc", amount="0.5", label="mine", kyc_profile_id=7)

        assert {"address": "1abc", "amount": "0.5", "label": "mine", "kyc_profile_id": "7"} == fields

    @pytest.mark.parametrize("address", ["", " ", "1abc 2def", " 1abc", "1abc\n", None, 5])
    def test_no_address(self, address):
        """An address that is empty or contains spaces is rejected."""
        with pytest.raises(UsageError, match="address must"):
            sent("funding.create_btc_withdrawal", address=address, amount=1)


class TestAddresses:
    @pytest.mark.parametrize(
        ("arguments", "body"),
        [({}, b"api_key=k"), ({"auto_sell": False}, b"api_key=k"), ({"auto_sell": True}, b"api_key=k&auto_sell=true")],
    )
    def test_auto_sell(self, arguments, body):
        """The flag to sell is sent only if it is set."""
        assert body == sent("funding.create_address", **arguments).body

    def test_in_the_path(self):
        """An address is escaped in the path."""
        assert (
            "/api-v1/rest/private/btc/addresses/1%2F2?api_key=k" == sent("funding.address", public_address="1/2").target
        )

    @pytest.mark.parametrize("payment_id", [None, 7])
    def test_fields(self, payment_id):
        """An address may have been created for a payment."""
        value = {"public_address": ADDRESS, "auto_sell": True, "payment_id": payment_id}

        assert Address(ADDRESS, auto_sell=True, payment_id=payment_id) == wire.decode(wire.dumps(value), Address)
