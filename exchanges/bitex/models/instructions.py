"""How money is to be paid out: four documented kinds of instructions, and whatever else a broker understands.

An instruction is looked at before it is sent, not when it is made or read: what the exchange stores need not follow
the rules for what it takes. Bank and personal data do not print.

Source:
    Bitex developer guide, "Create a USD Withdrawal Instruction" and its four examples.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any, ClassVar, TypeAlias, cast

from attrs import asdict, field, frozen

from exchanges.errors import DecodeError
from exchanges.wire import Deviation, Json, OpenStrEnum, RawJson, UnixTime, dumps, encode, loads
from exchanges.wire.converter import wire

__all__ = [
    "DomesticBank",
    "InstructionBody",
    "InstructionSchema",
    "InternationalBank",
    "MoreMtPickUp",
    "ThirdParty",
    "WithdrawalInstruction",
    "fault_of_body",
    "text_of_body",
]

_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_CUIT = re.compile(r"[0-9]{11}", re.ASCII)
_CBU = re.compile(r"[0-9]{22}", re.ASCII)

MAX_INT = 2**63 - 1  # what JSON readers elsewhere can be trusted with
ACCOUNT_TYPES = ("checking", "savings")
BRANCH_COUNTRIES = ("AR", "PY", "PE")
INTERNATIONAL_COUNTRIES = ("AR", "CL", "MX", "PE", "UY", "US", "ES", "PY", "CN", "CO")
INTERNATIONAL_CURRENCIES = ("USD",)
# By country; of a country that is not there the guide names no choices.
DOMESTIC_CURRENCIES = {"AR": ("ARS", "USD"), "PE": ("PEN", "USD")}
PICK_UP_CURRENCIES = {"AR": ("ARS",), "PY": ("PYG",), "PE": ("PEN",)}
_BANKS_AR = (
    "galicia bbva santander itau icbc hsbc patagonia credicoop supervielle comafi citi macro hipotecario columbia bind "
    "nacion ciudad bapro san_juan santa_cruz cordoba santa_fe entre_rios la_pampa neuquen corrientes "
    "santiago_del_estero tierra_del_fuego formosa la_rioja chaco banco_de_valores finansur"
)
_BANKS_PE = "credito continental nacion scotia interbank mi_banco trabajo financiero bbva_pe"
DOMESTIC_BANKS = {"AR": tuple(_BANKS_AR.split()), "PE": tuple(_BANKS_PE.split())}


class InstructionSchema(OpenStrEnum):
    """By whose rules an instruction is looked at when it is stored."""

    BITEX = "bitex"
    BASE = "base"
    """Less strict, but knows fewer ways of paying."""


@frozen(kw_only=True)
class _Body:
    """What the documented kinds have in common; ``payment_method`` tells them apart."""

    payment_method: ClassVar[str]

    extra_fields: dict[str, RawJson] = field(factory=dict[str, Json], repr=False)
    """Stored beside the others under their own names; nobody checks them."""

    @classmethod
    def from_wire(cls, value: dict[str, Json]) -> dict[str, Json]:
        """Take the fields that are no documented ones for the extra ones."""
        if value.get("payment_method") != cls.payment_method:
            raise Deviation(f"the payment method {cls.payment_method}")
        names = cls._names()
        extra = {key: item for key, item in value.items() if key not in names and key != "payment_method"}
        return {**{key: item for key, item in value.items() if key in names}, "extra_fields": extra}

    @classmethod
    def to_wire(cls, value: dict[str, Json]) -> dict[str, Json]:
        """Put all fields side by side."""
        own = {key: item for key, item in value.items() if key != "extra_fields"}
        return {"payment_method": cls.payment_method, **own, **cast("dict[str, Json]", value["extra_fields"])}

    @classmethod
    def _names(cls) -> set[str]:
        return {a.name for a in cast("Any", cls).__attrs_attrs__} - {"extra_fields"}

    def faults(self) -> Iterator[str]:
        """Say what the exchange would not take."""
        for name, value in asdict(self, recurse=False, filter=lambda a, _: a.name != "extra_fields").items():
            if value is not None and (not isinstance(value, str) or not value.strip()):
                yield f"{name} must be a text that is not empty"
        for name in sorted({*self._names(), "payment_method"} & self.extra_fields.keys()):
            yield f"extra_fields must not hold {name}"


@frozen(kw_only=True)
class DomesticBank(_Body):
    """To an account at a bank in the same country, which must belong to the owner of the Bitex account.

    Source:
        Bitex developer guide, "Example: Withdraw to a Domestic Bank".
    """

    payment_method = "domestic_bank"

    country: str
    """Of the bank: AR, PY or PE."""
    currency: str
    """What is paid out: ARS or USD in Argentina, PEN or USD in Peru."""
    bank: str
    """Short name of the bank, one of `DOMESTIC_BANKS` in Argentina and Peru."""
    name: str = field(repr=False)
    """Of the holder of the account."""
    city: str = field(repr=False)
    """Where the holder lives."""
    address: str = field(repr=False)
    """Postal address of the holder, home or work."""
    phone: str = field(repr=False)
    """Number of the holder."""
    cuit: str = field(repr=False)
    """Tax number of the holder; in Argentina 11 digits, without dashes."""
    cbu: str | None = field(default=None, repr=False)
    """Number of the account among all banks; in Argentina 22 digits, zeros in front included."""
    bank_account_number: str = field(repr=False)
    """Number of the account at its bank, digits only."""
    account_type: str
    """``checking`` or ``savings``."""

    def faults(self) -> Iterator[str]:
        """Say what the exchange would not take."""
        yield from super().faults()
        yield from _not_among("country", self.country, BRANCH_COUNTRIES)
        yield from _not_among("currency", self.currency, DOMESTIC_CURRENCIES.get(self.country))
        yield from _not_among("bank", self.bank, DOMESTIC_BANKS.get(self.country))
        yield from _not_among("account_type", self.account_type, ACCOUNT_TYPES)
        if not _DIGITS.fullmatch(str(self.bank_account_number)):
            yield "bank_account_number must be digits alone"
        if self.country == "AR":
            if not _CUIT.fullmatch(str(self.cuit)):
                yield "cuit must be 11 digits in Argentina"
            if not _CBU.fullmatch(str(self.cbu)):
                yield "cbu must be 22 digits in Argentina"


@frozen(kw_only=True)
class MoreMtPickUp(_Body):
    """In cash, at a branch of MoreMT or another place, by somebody with a KYC profile in the Bitex account.

    Source:
        Bitex developer guide, "Example: Pick up cash on a MoreMt branch".
    """

    payment_method = "more"

    country: str
    """Of the branch: AR, PY or PE."""
    currency: str
    """What is paid out: the country's own."""
    name: str = field(repr=False)
    """Who picks it up."""
    city: str = field(repr=False)
    """Where that person lives."""
    address: str = field(repr=False)
    """Address of that person."""
    phone: str = field(repr=False)
    """Number of that person."""

    def faults(self) -> Iterator[str]:
        """Say what the exchange would not take."""
        yield from super().faults()
        yield from _not_among("country", self.country, BRANCH_COUNTRIES)
        yield from _not_among("currency", self.currency, PICK_UP_CURRENCIES.get(self.country))


@frozen(kw_only=True)
class InternationalBank(_Body):
    """To an account anywhere, which must belong to the owner of the Bitex account. Paid in USD.

    The receiving bank may change the dollars into its own currency.

    Source:
        Bitex developer guide, "Example: Withdraw from bitex via international bank transfer."
    """

    payment_method = "international_bank"

    country: str
    """One of `INTERNATIONAL_COUNTRIES`."""
    currency: str = "USD"
    """What is paid out: USD, for now."""
    name: str = field(repr=False)
    """Who is paid."""
    city: str = field(repr=False)
    """Where that person lives."""
    address: str = field(repr=False)
    """Postal address of that person, home or work."""
    postal_code: str | None = field(default=None, repr=False)
    """Of that address."""
    phone: str = field(repr=False)
    """Number of that person."""
    bank: str
    """Full name of the bank."""
    bank_country: str
    """Free text, or an ISO code."""
    bank_city: str = field(repr=False)
    """Of the branch of the account, or of the main one; so with what follows."""
    bank_address: str = field(repr=False)
    """Address of the branch."""
    bank_postal_code: str = field(repr=False)
    """Of that address."""
    bank_swift: str = field(repr=False)
    """SWIFT code, or another BIC."""
    bank_account_number: str = field(repr=False)
    """Number of the account."""
    account_type: str
    """``checking`` or ``savings``."""

    def faults(self) -> Iterator[str]:
        """Say what the exchange would not take."""
        yield from super().faults()
        yield from _not_among("country", self.country, INTERNATIONAL_COUNTRIES)
        yield from _not_among("currency", self.currency, INTERNATIONAL_CURRENCIES)
        yield from _not_among("account_type", self.account_type, ACCOUNT_TYPES)


@frozen(kw_only=True)
class ThirdParty(_Body):
    """By somebody of the user's choice, anywhere: Bitex gets in touch and works out the details.

    Source:
        Bitex developer guide, "Example: Suggest a third party for your withdrawal".
    """

    payment_method = "third_party"

    country: str
    """Where the money is to go: any."""
    name: str = field(repr=False)
    """Who asks for it; must be known to Bitex."""
    city: str = field(repr=False)
    """Where that person lives."""
    phone: str = field(repr=False)
    """Number of that person."""


InstructionBody: TypeAlias = DomesticBank | MoreMtPickUp | InternationalBank | ThirdParty | Mapping[str, Json]
"""One of the documented kinds, or any other object as it is: of that nothing is checked but that it is JSON."""

BODIES: dict[str, type[_Body]] = {
    cls.payment_method: cls for cls in (DomesticBank, MoreMtPickUp, InternationalBank, ThirdParty)
}


class BodyForm:
    """The form of a body: one of the documented kinds where every field fits, or else a plain object."""

    def read(self, value: Json, *, strict: bool) -> InstructionBody:
        """Recognise what was stored; an object as text is taken too unless *strict*."""
        if isinstance(value, str) and not strict:
            value = loads(value.encode())
        if not isinstance(value, dict):
            raise Deviation("an object")
        method = value.get("payment_method")
        kind = BODIES.get(method) if isinstance(method, str) else None
        try:
            made = value if kind is None else wire(strict=True).structure(value, kind, kind.__name__)
        except DecodeError:  # stored by other rules
            return value
        return cast("InstructionBody", made)

    def write(self, value: InstructionBody) -> Json:
        """Make the object."""
        return dict(value) if isinstance(value, Mapping) else encode(value)


@frozen(kw_only=True)
class WithdrawalInstruction:
    """How one withdrawal, or many, are to be paid out. Wire: object.

    Body and label are not printed.

    Source:
        Bitex developer guide, "Create a USD Withdrawal Instruction".
    """

    id: int
    """What `Funding.create_usd_withdrawal` and the Concierge ask for."""
    body: Annotated[InstructionBody, BodyForm()] = field(repr=False)
    """As it was stored."""
    label: str | None = field(default=None, repr=False)
    """The user's own name for it."""
    schema: InstructionSchema | None = None
    """By whose rules it was looked at; None where it was not said."""
    created_at: UnixTime
    """When it was stored (UTC)."""


def fault_of_body(body: object) -> str | None:
    """Say what is wrong with a body that is to be sent."""
    if isinstance(body, _Body):
        fault = next(body.faults(), None)
        return fault and f"({type(body).__name__}): {fault}"
    return None if isinstance(body, Mapping) else f"must be a mapping or a documented kind, not {type(body).__name__}"


def text_of_body(body: InstructionBody) -> str:
    """Write a body as the JSON text that travels in a form.

    Raises:
        ValueError: Something in it is no JSON, or a `float`, which has lost digits already.
    """
    value = BodyForm().write(body)
    if not _is_json(value):
        raise ValueError("must hold texts, exact numbers (no float), flags, lists and objects alone")
    return dumps(value).decode()


def _is_json(value: object, depth: int = 16) -> bool:
    if isinstance(value, dict):
        pairs = cast("dict[object, object]", value).items()
        return depth > 0 and all(isinstance(key, str) and _is_json(item, depth - 1) for key, item in pairs)
    if isinstance(value, list | tuple):
        return depth > 0 and all(_is_json(item, depth - 1) for item in cast("list[object]", value))
    if isinstance(value, Decimal):
        return value.is_finite()
    return value is None or isinstance(value, str) or (isinstance(value, int) and abs(value) <= MAX_INT)


def _not_among(name: str, value: str, choices: Collection[str] | None) -> Iterator[str]:
    if choices is not None and value not in choices:
        yield f"{name} must be one of {', '.join(choices)}"
