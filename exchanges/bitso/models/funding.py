"""Deposits, withdrawals, their methods, banks and stored receivers, by v3. Numbers travel as text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal, TypeAlias, TypedDict

from attrs import field

from exchanges.values import frozen
from exchanges.wire import Confirmation, Id, IsoTime, Model, OpenStrEnum, RawJson, TextDecimal

Deleted = Annotated[None, Confirmation({})]

_OTHER_KEYS = {
    "address": ("withdrawal_address",),
    "clabe": ("beneficiary_clabe", "receive_clabe"),
    "beneficiary": ("beneficiary_name",),
    "numeric_ref": ("numeric_reference",),
    "phone_number": ("phone",),
}
"""Where else than under its name the details of a withdrawal show an argument."""


class DepositStatus(OpenStrEnum):
    """Status of a deposit."""

    PENDING = "pending"
    # Quirk: in older texts alone.
    IN_PROGRESS = "in_progress"
    COMPLETE = "complete"
    FAILED = "failed"
    # Quirk: in the texts on webhooks alone.
    CANCELLED = "cancelled"


DepositStatusWord: TypeAlias = Literal["pending", "in_progress", "complete", "failed", "cancelled"]


class WithdrawalStatus(OpenStrEnum):
    """Status of a withdrawal."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETE = "complete"
    FAILED = "failed"
    # Quirk: in the texts on webhooks alone.
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether a withdrawal in this status never changes again."""
        return self in (WithdrawalStatus.COMPLETE, WithdrawalStatus.FAILED, WithdrawalStatus.CANCELLED)


WithdrawalStatusWord: TypeAlias = Literal["pending", "processing", "complete", "failed", "cancelled"]


class Country(OpenStrEnum):
    """Country of a list of banks."""

    MX = "mx"
    BR = "br"
    CO = "co"


@frozen(kw_only=True)
class Transfer:
    """What deposits and withdrawals have in common."""

    currency: str
    """Such as btc."""
    amount: TextDecimal
    """Of *currency*."""
    method: str
    """Code of the method, such as btc, eth, rp, sp or bt; the set grows."""
    created_at: IsoTime
    """UTC: when it was created."""
    method_name: str | None = None
    """None if not sent."""
    asset: str | None = None
    """What travels, mostly the currency; None if not sent."""
    network: str | None = None
    """None if not sent."""
    protocol: str | None = None
    """None if not sent."""
    integration: str | None = None
    """None if not sent."""
    # Personal data: names, accounts and addresses of people.
    details: dict[str, RawJson] = field(factory=dict[str, RawJson], repr=False)
    """Facts of the method, such as tx_hash or clave_de_rastreo, as received; each may be missing or null."""


@frozen(kw_only=True)
class Deposit(Transfer, Model):
    """A deposit, which the exchange calls a funding. Wire: object.

    Source:
        Bitso API v3, "List Fundings".
    """

    fid: str
    """Id of the deposit; the value for *marker*."""
    status: DepositStatus


@frozen(kw_only=True)
class Withdrawal(Transfer, Model):
    """A withdrawal. Wire: object.

    Source:
        Bitso API v3, "List Withdrawals", "Create A Withdrawal".
    """

    wid: str
    """Id of the withdrawal; the value for *marker*."""
    status: WithdrawalStatus
    origin_id: str | None = None
    """The client's id of the withdrawal; None if not sent. Transfers by SPEI have it in *details*."""

    @property
    def address(self) -> str | None:
        """Where coins go, by *details*; None if not sent."""
        return self._shown("address", lambda text: text.partition("?dt=")[0])

    @property
    def destination_tag(self) -> str | None:
        """Tag of the address, by *details*; None if not sent."""
        return self._shown("destination_tag")

    @property
    def clabe(self) -> str | None:
        """Account that a transfer by SPEI goes to, by *details*; None if not sent."""
        return self._shown("clabe")

    @property
    def beneficiary(self) -> str | None:
        """The name of who receives a transfer by SPEI, by *details*; None if not sent."""
        return self._shown("beneficiary")

    @property
    def numeric_ref(self) -> str | None:
        """Reference of a transfer by SPEI, by *details*; None if not sent."""
        return self._shown("numeric_ref")

    @property
    def rfc(self) -> str | None:
        """Tax id of who receives a transfer by SPEI, by *details*; None if not sent."""
        return self._shown("rfc")

    @property
    def email(self) -> str | None:
        """Who receives a Bitso Transfer, by *details*; None if not sent."""
        return self._shown("email")

    @property
    def phone_number(self) -> str | None:
        """Who receives a Bitso Transfer, by *details*; None if not sent."""
        return self._shown("phone_number")

    @property
    def refcode(self) -> str | None:
        """Who receives a Bitso Transfer, by *details*; None if not sent."""
        return self._shown("refcode")

    @property
    def contact_id(self) -> str | None:
        """The stored receiver, by *details*; None if not sent."""
        return self._shown("contact_id")

    @property
    def client_id(self) -> str | None:
        """The client's id, wherever it stands; None if not sent."""
        own, inner = self.origin_id or None, self._shown("origin_id")
        return own if inner in (None, own) else " / ".join(filter(None, (own, inner)))

    def _shown(self, name: str, form: Callable[[str], str] = str) -> str | None:
        """Return what *details* show of an argument; what contradicts itself is shown whole."""
        cells = (self.details.get(key) for key in (name, *_OTHER_KEYS.get(name, ())))
        texts = dict.fromkeys(form(str(cell)) for cell in cells if type(cell) in (str, int) and cell != "")
        return " / ".join(texts) or None


@frozen(kw_only=True)
class FundingDestination(Model):
    """Where deposits of a currency are received. Wire: object.

    Source:
        Bitso API v3, "Get Funding Destination".
    """

    account_identifier_name: str
    """What the identifier is, in words."""
    account_identifier: str
    """An address or an account. A tag is appended, as in ``ADDRESS?dt=12345``; without it the deposit is lost."""


@frozen(kw_only=True)
class Bank(Model):
    """A bank. Wire: object.

    Source:
        Bitso API v3, "List Banks".
    """

    code: str
    name: str


@frozen(kw_only=True)
class Vasp(Model):
    """A service provider of the Travel Rule. Wire: object.

    Source:
        Bitso API v3, "List VASPs".
    """

    id: str
    """Such as did:ethr:0x..."""
    name: str


@frozen(kw_only=True)
class MethodFee(Model):
    """The fee of a withdrawal method. Wire: object."""

    amount: TextDecimal
    """Of the currency, or a fraction, as *type* states."""
    type: str
    """Such as fixed."""


@frozen(kw_only=True)
class MethodLimits(Model):
    """The bounds of one withdrawal. Wire: object. Of the currency; None if not sent."""

    system_min: TextDecimal | None = None
    system_max: TextDecimal | None = None
    tx_limit: TextDecimal | None = None


@frozen(kw_only=True)
class MethodStatus(Model):
    """Whether a withdrawal method works. Wire: object."""

    type: str
    """Such as active."""
    description: str | None = None
    """None if not sent."""


@frozen(kw_only=True)
class LegalEntity(Model):
    """Who operates a withdrawal method. Wire: object."""

    legal_operation_entity: str | None = None
    """None if not sent."""
    country_code: str | None = None
    """ISO 3166 alpha-2; None if not sent."""


@frozen(kw_only=True)
class MethodCurrency(Model):
    """What one currency costs by one withdrawal method. Wire: object."""

    currency: str
    """Such as btc."""
    asset: str
    """What travels, mostly the currency."""
    fee: MethodFee | None = None
    """None if not sent."""
    limits: MethodLimits | None = None
    """None if not sent."""
    status: MethodStatus | None = None
    """None if not sent."""
    legal_operating_entity: LegalEntity | None = None
    """None if not sent."""


@frozen(kw_only=True)
class WithdrawalMethod(Model):
    """A way to withdraw a currency. Wire: object.

    Source:
        Bitso API v3, "List Withdrawal Methods".
    """

    method: str
    """Code of the method; the value for *method* of a withdrawal, as the next three."""
    network: str
    protocol: str
    name: str | None = None
    """None if not sent."""
    network_name: str | None = None
    """None if not sent."""
    network_description: str | None = None
    """None if not sent."""
    method_name: str | None = None
    """None if not sent."""
    integration: str | None = None
    """None if not sent."""
    sub_method: str | None = None
    """None if not sent."""
    required_fields: tuple[str, ...] = ()
    """Names of arguments that a withdrawal by this method needs."""
    optional_fields: tuple[str, ...] = ()
    """Names of arguments that it may have."""
    currency_configurations: tuple[MethodCurrency, ...] = ()
    """Fee, bounds and status by currency."""


class Taxonomy(TypedDict):
    """One withdrawal method, as a stored receiver names it; the values are those of a `WithdrawalMethod`.

    Attributes:
        network: Its network.
        asset: What travels.
        protocol: Its protocol.
        integration: Its integration.
        currency: What is sent.
    """

    network: str
    asset: str
    protocol: str
    integration: str
    currency: str


@frozen(kw_only=True)
class ContactTaxonomy(Model):
    """The withdrawal method of a stored receiver. Wire: object. None if not sent."""

    network: str | None = None
    asset: str | None = None
    protocol: str | None = None
    integration: str | None = None
    currency: str | None = None


@frozen(kw_only=True)
class ContactDetail(Model):
    """One fact of a stored receiver. Wire: object."""

    key: str
    """Name of the fact in requests, such as address."""
    value: str = field(repr=False)
    name: str | None = None
    """Name of the fact for people; None if not sent."""


@frozen(kw_only=True)
class Contact(Model):
    """A stored receiver of withdrawals. Wire: object.

    Source:
        Bitso API v3, "Consumer Contacts".
    """

    contact_id: Id
    """Id of the receiver; a number on the wire."""
    alias: str = field(repr=False)
    """Name that the user gave it."""
    currency: str
    """Such as btc."""
    taxonomy: ContactTaxonomy | None = None
    """None if not sent."""
    details: tuple[ContactDetail, ...] = ()
    created: IsoTime | None = None
    """UTC: when it was stored; None if not sent."""
    user_id: Id | None = None
    """Id of the account; None if not sent."""

    @property
    def facts(self) -> dict[str, str]:
        """The values of *details* by key, as a request names them; what contradicts itself is shown whole."""
        keys = dict.fromkeys(detail.key for detail in self.details)
        values = {key: dict.fromkeys(d.value for d in self.details if d.key == key) for key in keys}
        return {key: " / ".join(texts) for key, texts in values.items()}
