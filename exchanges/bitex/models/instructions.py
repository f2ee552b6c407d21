"""Withdrawal instructions: how money is to be paid out, in four documented kinds or any other object.

An instruction is checked before it is sent, not when it is created or read: what the exchange has stored need not
follow its rules for new ones. Bank and personal data are not in ``repr``.

Source:
    Bitex developer guide, "Create a USD Withdrawal Instruction" and its four examples.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any, ClassVar, TypeAlias, cast

from attrs import asdict, field

from exchanges.errors import DecodeError
from exchanges.values import frozen
from exchanges.wire import Deviation, Json, Model, OpenStrEnum, RawJson, UnixTime, dumps, encode, loads
from exchanges.wire.codecs import Anything
from exchanges.wire.converter import wire

_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_CUIT = re.compile(r"[0-9]{11}", re.ASCII)
_CBU = re.compile(r"[0-9]{22}", re.ASCII)

ByCountry: TypeAlias = dict[str, tuple[str, ...]]

MAX_INT = 2**63 - 1  # JSON parsers elsewhere may not read more
ACCOUNT_TYPES = ("checking", "savings")
BRANCH_COUNTRIES = ("AR", "PY", "PE")
INTERNATIONAL_COUNTRIES = ("AR", "CL", "MX", "PE", "UY", "US", "ES", "PY", "CN", "CO")
INTERNATIONAL_CURRENCIES = ("USD",)
# By country; for a country that is missing the guide names no choices.
DOMESTIC_CURRENCIES: ByCountry = {"AR": ("ARS", "USD"), "PE": ("PEN", "USD")}
PICK_UP_CURRENCIES: ByCountry = {"AR": ("ARS",), "PY": ("PYG",), "PE": ("PEN",)}
_BANKS_AR = (
    "galicia bbva santander itau icbc hsbc patagonia credicoop supervielle comafi citi macro hipotecario columbia bind "
    "nacion ciudad bapro san_juan santa_cruz cordoba santa_fe entre_rios la_pampa neuquen corrientes "
    "santiago_del_estero tierra_del_fuego formosa la_rioja chaco banco_de_valores finansur"
)
_BANKS_PE = "credito continental nacion scotia interbank mi_banco trabajo financiero bbva_pe"
DOMESTIC_BANKS: ByCountry = {"AR": tuple(_BANKS_AR.split()), "PE": tuple(_BANKS_PE.split())}


class InstructionSchema(OpenStrEnum):
    """The rules by which the exchange validates an instruction."""

    BITEX = "bitex"
    BASE = "base"
    """Less strict, but with fewer payment methods."""


@frozen(kw_only=True)
class _Body:
    """What the documented kinds have in common.

    Attributes:
        payment_method: Identifies the kind on the wire.
        choices: What a field may be, as documented; where that depends on the country, by country.
    """

    payment_method: ClassVar[str]
    choices: ClassVar[tuple[tuple[str, tuple[str, ...] | ByCountry], ...]] = ()

    country: str
    """ISO code of two capital letters: the country of the bank or branch, or that the money goes to."""
    name: str = field(repr=False)
    """Name of the account holder, or of the person who picks the money up or asks for it."""
    city: str = field(repr=False)
    """City where that person lives."""
    phone: str = field(repr=False)
    """Phone number of that person."""
    extra_fields: dict[str, RawJson] = field(factory=dict[str, Json], repr=False)
    """Stored beside the other fields under their own names, without validation."""

    @classmethod
    def from_wire(cls, value: dict[str, Json]) -> dict[str, Json]:
        """Collect the undocumented fields as the extra ones."""
        # It identifies the class, so it is not a field: two kinds with the same fields cannot be mistaken for each
        # other.
        if value.get("payment_method") != cls.payment_method:
            raise Deviation(f"the payment method {cls.payment_method}")
        names = cls._names()
        extra = {key: item for key, item in value.items() if key not in names and key != "payment_method"}
        return {**{key: item for key, item in value.items() if key in names}, "extra_fields": extra}

    @classmethod
    def to_wire(cls, value: dict[str, Json]) -> dict[str, Json]:
        """Merge documented and extra fields."""
        own = {key: item for key, item in value.items() if key != "extra_fields"}
        return {"payment_method": cls.payment_method, **own, **cast("dict[str, Json]", value["extra_fields"])}

    @classmethod
    def _names(cls) -> set[str]:
        return {a.name for a in cast("Any", cls).__attrs_attrs__} - {"extra_fields"}

    def faults(self) -> Iterator[str]:
        """List what the exchange would reject."""
        for name, value in asdict(self, recurse=False, filter=lambda a, _: a.name != "extra_fields").items():
            # Whoever builds one need not use a type checker, and a number would be stored without its leading zeros.
            if value is not None and (not isinstance(value, str) or not value.strip()):
                yield f"{name} must be a non-empty str"
        for name in sorted({*self._names(), "payment_method"} & self.extra_fields.keys()):
            yield f"extra_fields must not contain {name}"
        for name, choices in self.choices:
            allowed = choices.get(self.country) if isinstance(choices, dict) else choices
            if allowed is not None and getattr(self, name) not in allowed:
                yield f"{name} must be one of {', '.join(allowed)}"


@frozen(kw_only=True)
class DomesticBank(_Body, Model):
    """To a bank account in the same country (AR, PY or PE), which must belong to the owner of the Bitex account.

    Source:
        Bitex developer guide, "Example: Withdraw to a Domestic Bank".
    """

    payment_method = "domestic_bank"
    choices = (
        *(("country", BRANCH_COUNTRIES), ("currency", DOMESTIC_CURRENCIES)),
        *(("bank", DOMESTIC_BANKS), ("account_type", ACCOUNT_TYPES)),
    )

    currency: str
    """The currency that is paid out: ARS or USD in Argentina, PEN or USD in Peru."""
    bank: str
    """Short name of the bank, in Argentina and Peru one of `DOMESTIC_BANKS`."""
    address: str = field(repr=False)
    """Postal address of the holder, home or work."""
    cuit: str = field(repr=False)
    """Tax number of the holder; in Argentina 11 digits, without dashes."""
    cbu: str | None = field(default=None, repr=False)
    """Unique number of the account; in Argentina 22 digits with leading zeros; None elsewhere."""
    bank_account_number: str = field(repr=False)
    """Number of the account at its bank, digits only."""
    account_type: str
    """``checking`` or ``savings``."""

    def faults(self) -> Iterator[str]:
        """List what the exchange would reject."""
        yield from super().faults()
        if not _DIGITS.fullmatch(str(self.bank_account_number)):
            yield "bank_account_number must contain digits only"
        # Both numbers are Argentine; the guide gives no format for other countries.
        if self.country == "AR":
            if not _CUIT.fullmatch(str(self.cuit)):
                yield "cuit must be 11 digits in Argentina"
            if not _CBU.fullmatch(str(self.cbu)):
                yield "cbu must be 22 digits in Argentina"


@frozen(kw_only=True)
class MoreMtPickUp(_Body, Model):
    """In cash, at a branch of MoreMT (in AR, PY or PE) or another place, to somebody with a KYC profile in the account.

    Source:
        Bitex developer guide, "Example: Pick up cash on a MoreMt branch".
    """

    payment_method = "more"
    choices = (("country", BRANCH_COUNTRIES), ("currency", PICK_UP_CURRENCIES))

    currency: str
    """The currency that is paid out: the country's own."""
    address: str = field(repr=False)
    """Address of that person."""


@frozen(kw_only=True)
class InternationalBank(_Body, Model):
    """To a bank account in one of `INTERNATIONAL_COUNTRIES`, which must belong to the owner of the Bitex account.

    It is paid in USD. The receiving bank may convert the dollars into its own currency.

    Source:
        Bitex developer guide, "Example: Withdraw from bitex via international bank transfer."
    """

    payment_method = "international_bank"
    choices = (
        *(("country", INTERNATIONAL_COUNTRIES), ("currency", INTERNATIONAL_CURRENCIES)),
        ("account_type", ACCOUNT_TYPES),
    )

    currency: str = "USD"
    """The currency that is paid out: only USD so far."""
    address: str = field(repr=False)
    """Postal address of the payee, home or work."""
    postal_code: str | None = field(default=None, repr=False)
    """Postal code of that address; None if there is none."""
    bank: str
    """Full name of the bank."""
    bank_country: str
    """Country of the bank: free text, or an ISO code."""
    bank_city: str = field(repr=False)
    """City of the branch of the account, or of the main branch; the same branch in the fields below."""
    bank_address: str = field(repr=False)
    """Address of the branch."""
    bank_postal_code: str = field(repr=False)
    """Postal code of that address."""
    bank_swift: str = field(repr=False)
    """SWIFT code, or another BIC."""
    bank_account_number: str = field(repr=False)
    """Number of the account."""
    account_type: str
    """``checking`` or ``savings``."""


@frozen(kw_only=True)
class ThirdParty(_Body, Model):
    """Through a third party of the user's choice, in any country: Bitex contacts the user to work out the details.

    The person who asks for it must be known to Bitex by *name*.

    Source:
        Bitex developer guide, "Example: Suggest a third party for your withdrawal".
    """

    payment_method = "third_party"


InstructionBody: TypeAlias = DomesticBank | MoreMtPickUp | InternationalBank | ThirdParty | Mapping[str, Json]
"""One of the documented kinds, or any other object, of which only is checked that it is JSON."""

BODIES: dict[str, type[_Body]] = {
    cls.payment_method: cls for cls in (DomesticBank, MoreMtPickUp, InternationalBank, ThirdParty)
}


class _BodyCodec:
    """The codec of a body: one of the documented kinds if every field fits, otherwise a plain object."""

    def read(self, value: Json, *, strict: bool) -> InstructionBody:
        """Read what was stored; an object as text is accepted too unless *strict*."""
        if isinstance(value, str) and not strict:
            value = loads(value.encode())
        if not isinstance(value, dict):
            raise Deviation("an object")
        Anything().read(value, strict=strict)
        method = value.get("payment_method")
        kind = BODIES.get(method) if isinstance(method, str) else None
        try:
            body = value if kind is None else wire(strict=True).structure(value, kind, kind.__name__)
        except DecodeError:
            # It was stored under other rules: a body that fits no kind is better than no answer.
            return value
        return cast("InstructionBody", body)

    def write(self, value: InstructionBody) -> Json:
        """Build the object."""
        return dict(value) if isinstance(value, Mapping) else encode(value)


@frozen(kw_only=True)
class WithdrawalInstruction(Model):
    """How one or more withdrawals are to be paid out. Wire: object.

    Body and label are not in ``repr``.

    Source:
        Bitex developer guide, "Create a USD Withdrawal Instruction".
    """

    id: int
    """Passed to `Funding.create_usd_withdrawal` and to the Concierge."""
    body: Annotated[InstructionBody, _BodyCodec()] = field(repr=False)
    """As stored."""
    label: str | None = field(default=None, repr=False)
    """The user's own name for it; None if not provided."""
    schema: InstructionSchema | None = None
    """The rules by which it was validated; None if not provided."""
    created_at: UnixTime
    """UTC: when it was stored."""

    @property
    def stored(self) -> str:
        """The body as JSON."""
        return dumps(_BodyCodec().write(self.body)).decode()


def fault_of_body(body: object) -> str | None:
    """Return what is wrong with a body that is to be sent, None if nothing is."""
    if isinstance(body, _Body):
        fault = next(body.faults(), None)
        return fault and f"({type(body).__name__}): {fault}"
    return None if isinstance(body, Mapping) else f"must be a mapping or a documented kind, not {type(body).__name__}"


def text_of_body(body: InstructionBody) -> str:
    """Render a body as the JSON text that is sent within a form.

    Raises:
        ValueError: It contains something that is not JSON, or a `float`, which has lost digits already.
    """
    value = _BodyCodec().write(body)
    if not _is_json(value):
        raise ValueError("must contain only str, exact numbers (no float), bool, lists and objects")
    return dumps(value).decode()


def is_same_body(sent: str, stored: str) -> bool:
    """Return whether a stored body contradicts none of the fields of the one that was sent, both as JSON."""
    body, found = (cast("dict[str, Json]", loads(text.encode())) for text in (sent, stored))
    return all(found.get(name) in (None, value) for name, value in body.items())


def _is_json(value: object, depth: int = 16) -> bool:
    # The depth is bounded because a mapping may contain itself.
    if isinstance(value, dict):
        pairs = cast("dict[object, object]", value).items()
        return depth > 0 and all(isinstance(key, str) and _is_json(item, depth - 1) for key, item in pairs)
    if isinstance(value, list | tuple):
        return depth > 0 and all(_is_json(item, depth - 1) for item in cast("list[object]", value))
    if isinstance(value, Decimal):
        return value.is_finite()
    return value is None or isinstance(value, str) or (isinstance(value, int) and abs(value) <= MAX_INT)
