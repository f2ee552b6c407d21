import json
from decimal import Decimal
from functools import partial

import pytest
from attrs import evolve

from exchanges import wire
from exchanges.bitex.models.instructions import (
    DOMESTIC_BANKS,
    DomesticBank,
    InstructionSchema,
    InternationalBank,
    MoreMtPickUp,
    ThirdParty,
    WithdrawalInstruction,
)
from exchanges.errors import DecodeError, UsageError
from tests.support.bitex_requests import ENDPOINTS, fields

JOHN = {"name": "John Doe", "city": "Buenos Aires", "phone": "15-555-55-55"}
DOMESTIC = DomesticBank(
    country="AR",
    currency="ARS",
    bank="bbva",
    address="Evergreen 1",
    cuit="20111111112",
    cbu="0170000200000000000002",
    bank_account_number="33433333",
    account_type="checking",
    **JOHN,
)
PICK_UP = MoreMtPickUp(country="PY", currency="PYG", address="Evergreen 1", **JOHN)
INTERNATIONAL = InternationalBank(
    country="US",
    address="Evergreen 1",
    bank="Some Bank",
    bank_country="US",
    bank_city="some city",
    bank_address="Some address 123",
    bank_postal_code="123",
    bank_swift="BANKUS66",
    bank_account_number="334-33333",
    account_type="savings",
    **JOHN,
)
THIRD = ThirdParty(country="JP", **JOHN)
BODIES = [DOMESTIC, PICK_UP, INTERNATIONAL, THIRD]
PERSONAL = [*JOHN.values(), "Evergreen", "20111111112", "0170000200000000000002", "33433333", "BANKUS66", "334-33333"]


form = partial(fields, "funding.create_withdrawal_instruction")


def body_sent(body):
    """Return the body of instructions as it is sent."""
    return json.loads(form(body=body)["body"])


def stored(body, **more):
    """Decode instructions as they are returned."""
    answer = {"id": 1, "body": body, "label": "Mine", "schema": "bitex", "created_at": 946685400, **more}
    return wire.decode(wire.dumps(answer), WithdrawalInstruction)


class TestSendingInstructions:
    @pytest.mark.parametrize("body", BODIES, ids=lambda b: b.payment_method)
    def test_documented_kinds(self, body):
        """Each documented kind is sent as JSON with its payment method and without empty fields."""
        fields = body_sent(body)

        assert (body.payment_method, "John Doe") == (fields["payment_method"], fields["name"])
        assert None not in fields.values()
        assert "extra_fields" not in fields

    def test_extra_fields(self):
        """Extra fields are sent beside the documented ones, even one named extra_fields."""
        fields = body_sent(evolve(THIRD, extra_fields={"hours": [9, 17], "extra_fields": "You can add anything"}))

        assert ([9, 17], "You can add anything", "JP") == (fields["hours"], fields["extra_fields"], fields["country"])

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"payment_method": "domestic_bank"},
            {"payment_method": "carrier", "birds": [1, 2, {"rested": True, "name": None}]},
            {"name": "Ñandú", "amount": "1.5"},
        ],
    )
    def test_any_mapping(self, body):
        """Any other object is sent unchanged."""
        assert body == body_sent(body)

    def test_numbers_keep_their_digits(self):
        """A number in a mapping is sent with all its digits."""
        text = form(body={"n": Decimal("1.10"), "m": 5})["body"]

        assert '{"n":1.10,"m":5}' == text

    def test_the_other_arguments(self):
        """Label and schema are sent beside the body."""
        fields = form(body=THIRD, label="Mine", schema=InstructionSchema.BASE)

        assert ("Mine", "base") == (fields["label"], fields["schema"])

    @pytest.mark.parametrize(
        ("body", "change", "words"),
        [
            (DOMESTIC, {"country": "UY"}, "country must be one of AR, PY, PE"),
            (DOMESTIC, {"currency": "PEN"}, "currency must be one of ARS, USD"),
            (DOMESTIC, {"bank": "interbank"}, "bank must be one of galicia, bbva"),
            (DOMESTIC, {"country": "PE", "currency": "PEN"}, "bank must be one of credito, continental"),
            (DOMESTIC, {"account_type": "current"}, "account_type must be one of checking, savings"),
            (DOMESTIC, {"bank_account_number": "334-33333"}, "bank_account_number must contain digits only"),
            (DOMESTIC, {"cuit": "20-11111111-2"}, "cuit must be 11 digits in Argentina"),
            (DOMESTIC, {"cuit": "111111111"}, "cuit must be 11 digits in Argentina"),
            (DOMESTIC, {"cuit": "\u0661" * 11}, "cuit must be 11 digits in Argentina"),
            (DOMESTIC, {"cbu": "170000200000000000002"}, "cbu must be 22 digits in Argentina"),
            (DOMESTIC, {"cbu": None}, "cbu must be 22 digits in Argentina"),
            (DOMESTIC, {"name": " "}, "name must be a non-empty str"),
            (DOMESTIC, {"phone": 15}, "phone must be a non-empty str"),
            (DOMESTIC, {"extra_fields": {"cbu": "1"}}, "extra_fields must not contain cbu"),
            (DOMESTIC, {"extra_fields": {"payment_method": "more"}}, "extra_fields must not contain payment_method"),
            (PICK_UP, {"country": "UY"}, "country must be one of AR, PY, PE"),
            (PICK_UP, {"currency": "USD"}, "currency must be one of PYG"),
            (INTERNATIONAL, {"country": "BR"}, "country must be one of AR, CL, MX, PE, UY, US, ES, PY, CN, CO"),
            (INTERNATIONAL, {"currency": "EUR"}, "currency must be one of USD"),
            (INTERNATIONAL, {"account_type": ""}, "account_type must be a non-empty str"),
            (THIRD, {"city": ""}, "city must be a non-empty str"),
        ],
    )
    def test_documented_choices(self, body, change, words):
        """What the guide excludes for a documented kind is rejected before it is sent."""
        with pytest.raises(UsageError, match=rf"body \({type(body).__name__}\): {words}"):
            form(body=evolve(body, **change))

    @pytest.mark.parametrize(
        "body",
        [
            evolve(DOMESTIC, currency="USD", bank="galicia"),
            evolve(DOMESTIC, country="PE", currency="PEN", bank="interbank", cuit="123", cbu=None),
            evolve(DOMESTIC, country="PY", currency="PYG", bank="any", cbu=None),
            evolve(PICK_UP, country="AR", currency="ARS"),
            evolve(INTERNATIONAL, postal_code="cxx-1233"),
        ],
    )
    def test_other_choices(self, body):
        """What the guide leaves open is accepted."""
        assert body.country == body_sent(body)["country"]

    @pytest.mark.parametrize(
        "body",
        [
            None,
            5,
            "text",
            [],
            {"n": 1.5},
            {5: "n"},
            {"n": object()},
            {"n": b"x"},
            {"n": 2**63},
            {"n": {"m": [float("nan")]}},
            {"n": Decimal("NaN")},
            evolve(THIRD, extra_fields={"n": 1.5}),
        ],
    )
    def test_no_json(self, body):
        """What cannot be sent as exact JSON is rejected."""
        with pytest.raises(UsageError, match="body must"):
            form(body=body)

    def test_a_body_within_itself(self):
        """A mapping that contains itself is rejected."""
        endless = {}
        endless["more"] = endless

        with pytest.raises(UsageError, match="body must"):
            form(body=endless)

    def test_it_stays_out_of_errors(self):
        """The body of instructions is a secret of the call."""
        assert ["body"] == [
            a.name for a in ENDPOINTS["funding.create_withdrawal_instruction"].arguments if a.param.secret
        ]

    def test_banks(self):
        """The guide names 33 banks in Argentina and 9 in Peru."""
        assert {"AR": 33, "PE": 9} == {country: len(set(banks)) for country, banks in DOMESTIC_BANKS.items()}


class TestStoredInstructions:
    @pytest.mark.parametrize("body", BODIES, ids=lambda b: b.payment_method)
    def test_documented_kinds(self, body):
        """A stored body of a documented kind is read as that kind."""
        assert body == stored(body_sent(body)).body

    @pytest.mark.parametrize("body", BODIES, ids=lambda b: b.payment_method)
    def test_kinds_alone(self, body):
        """A body alone decodes from what it encodes to."""
        assert body == wire.decode(wire.dumps(wire.encode(body)), type(body), strict=True)

    def test_extra_fields(self):
        """Fields that the guide does not name are read as extra fields."""
        body = evolve(PICK_UP, extra_fields={"hours": [9, 17], "nothing": None})

        assert body == stored(wire.encode(body)).body

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"payment_method": "carrier"},
            {"payment_method": "more", "country": "AR"},
            {"payment_method": ["more"]},
            {**body_sent(THIRD), "phone": 15},
        ],
    )
    def test_other_kinds(self, body):
        """A body that fits no documented kind is read as a plain object."""
        assert body == stored(body).body

    def test_stored_by_other_rules(self):
        """A stored body need not follow the rules for new ones."""
        body = evolve(DOMESTIC, cuit="111111111", bank="piggy")

        assert body == stored(wire.encode(body)).body

    @pytest.mark.parametrize("body", [*map(wire.encode, BODIES), {"a": {"b": None}}])
    def test_they_go_back_as_they_came(self, body):
        """Instructions encode as received."""
        answer = {"id": 1, "body": body, "label": "Mine", "schema": "bitex", "created_at": 946685400}

        assert answer == wire.encode(wire.decode(wire.dumps(answer), WithdrawalInstruction, strict=True))

    def test_a_body_as_text(self):
        """A body that is returned as JSON text is read too, unless strict."""
        answer = wire.dumps({"id": 1, "body": json.dumps(body_sent(THIRD)), "created_at": 946685400})

        assert THIRD == wire.decode(answer, WithdrawalInstruction).body
        with pytest.raises(DecodeError, match=r"WithdrawalInstruction.body: expected an object"):
            wire.decode(answer, WithdrawalInstruction, strict=True)

    @pytest.mark.parametrize("number", [b"NaN", b"0E+1000", b"1E-1000000", b"1." + b"3" * 400])
    def test_numbers_without_bounds(self, number):
        """A number that nobody can calculate with is rejected in a plain object, too."""
        with pytest.raises(DecodeError, match="number"):
            wire.decode(b'{"id": 1, "body": {"a": [%b]}, "created_at": 946685400}' % number, WithdrawalInstruction)

    @pytest.mark.parametrize("body", ["Bank of X", "[]", 5, None, []])
    def test_no_body(self, body):
        """A body that is not an object is rejected."""
        with pytest.raises(DecodeError):
            stored(body)

    @pytest.mark.parametrize("body", BODIES, ids=lambda b: b.payment_method)
    def test_they_print_no_personal_data(self, body):
        """The repr of a body and of stored instructions shows neither payee nor account."""
        shown = repr(evolve(body, extra_fields={"note": "John Doe"})) + repr(stored(wire.encode(body)))

        assert [] == [word for word in [*PERSONAL, "Mine"] if word in shown]

    def test_an_unknown_schema(self):
        """A schema that the guide does not name is kept."""
        assert ("ripio", False) == ((schema := stored({}, schema="ripio").schema), schema.is_known)

    def test_another_kind(self):
        """A body of one kind is not read as another."""
        with pytest.raises(DecodeError, match="the payment method third_party"):
            wire.decode(wire.dumps(wire.encode(PICK_UP)), ThirdParty)
