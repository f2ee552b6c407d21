"""Profiles of the owners of an account, and why they may be rejected. Personal data are not in ``repr``.

Source:
    Bitex developer guide, "KYC Profiles Overview" and the sections after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from attrs import field

from exchanges.bitex.models.jsonapi import Resource, ResourceId, Resources, build_resource, expand, flatten
from exchanges.values import frozen
from exchanges.wire import Model, OpenStrEnum, RawJson, Row, UnixTime

if TYPE_CHECKING:
    from exchanges.bitex.models.jsonapi import Object
    from exchanges.wire import Json

PROFILES = "kyc_profiles"
# The guide shows these two; which others a document contains is not documented.
_OWN_FIELDS = ("id", "accepted_usage_tier")


class UsageTier(OpenStrEnum):
    """How much an account may deposit and withdraw."""

    MICRO = "micro"
    """Granted to a new profile with files until a compliance officer has reviewed it."""
    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


UsageTierWord: TypeAlias = Literal["micro", "small", "medium", "large"]


@frozen
class KycProfile(Row):
    """One person or company behind an account. Wire: row of 18, without class reference.

    Only id and tiers are in ``repr``.

    Source:
        Bitex developer guide, "Create a KYC Profile".
    """

    id: int
    """Unique among profiles."""
    first_name: str | None = field(repr=False)
    """Given name; None, here and in the fields below, means that it was not provided."""
    last_name: str | None = field(repr=False)
    """Family name."""
    personal_id_number: str | None = field(repr=False)
    """As on the document, in any format."""
    personal_id_issuer_country: str | None = field(repr=False)
    """ISO code of two capital letters: the country that issued the document."""
    personal_id_type: str | None = field(repr=False)
    """Free text; ``dni``, ``passport`` and ``drivers_license`` are suggested."""
    tax_id: str | None = field(repr=False)
    """In Argentina the CUIT."""
    # Quirk: sent as year/month/day, but returned as seconds since 1970 (guide, "Create a KYC Profile").
    birth_date: UnixTime | None = field(repr=False)
    """UTC: a time on the day of birth; the guide does not specify which, so the date may be off by one elsewhere."""
    nationality: str | None = field(repr=False)
    """Free text."""
    gender: str | None = field(repr=False)
    """Free text; male and female are suggested."""
    occupation: str | None = field(repr=False)
    """Free text."""
    home_address: str | None = field(repr=False)
    """In full, with postal code."""
    work_address: str | None = field(repr=False)
    """In full, with postal code."""
    phone_numbers: str | None = field(repr=False)
    """Free text."""
    legal_entity: bool | None = field(repr=False)
    """Whether the profile acts for a company or another legal entity."""
    politically_exposed_person: bool | None = field(repr=False)
    """Whether the person counts as politically exposed."""
    usage_tier: UsageTier
    """The tier that was requested."""
    accepted_usage_tier: UsageTier | None = None
    """The tier that was granted; None means rejected. May change at any time, from granted to rejected too."""
    extra: tuple[RawJson, ...] = field(default=(), kw_only=True, repr=False)
    """Surplus cells, as received."""


@frozen(kw_only=True)
class KycProfileUpdate(Model):
    """A KYC profile that was accepted or rejected, as a callback reports it. Wire: json:api document.

    Source:
        Bitex developer guide, Webhooks, "KycProfile callbacks".
    """

    id: ResourceId
    """The `KycProfile.id`."""
    # Without a default: a document that lacks the field must not be read as a rejection, which null is.
    accepted_usage_tier: UsageTier | None
    """The tier that was granted; None means rejected. May change at any time, from granted to rejected too."""
    attributes: dict[str, RawJson] = field(factory=dict[str, "Json"], repr=False)
    """The other attributes of the document, which the guide does not show. Personal data: not in ``repr``."""

    @classmethod
    def from_wire(cls, value: Object) -> Object:
        """Read a document about one profile."""
        fields = flatten(expand(value)["data"], PROFILES)
        own = {name: fields[name] for name in _OWN_FIELDS if name in fields}
        return {**own, "attributes": {name: rest for name, rest in fields.items() if name not in _OWN_FIELDS}}

    @classmethod
    def to_wire(cls, value: Object) -> Object:
        """Build a document about one profile."""
        rest = value["attributes"] if isinstance(value["attributes"], dict) else {}
        # Written even if it is None, which means rejected: other fields are left out then.
        tier = value.get("accepted_usage_tier")
        return {"data": build_resource({**rest, "id": value["id"], "accepted_usage_tier": tier}, PROFILES)}


@frozen
class KycRejectionReason(Resource, Model):
    """Why a profile may be rejected. Wire: json:api resource of type ``kyc_rejection_reasons``.

    Source:
        Bitex developer guide, "List all KYC Rejection Reasons".
    """

    resource_type = "kyc_rejection_reasons"

    id: str
    """Unique among reasons."""
    code: str
    """Identifies the reason for programs, such as ``photo_id_is_illegible``."""
    detail_en: str
    """English text to show to the user."""
    detail_es: str
    """Spanish text."""
    detail_pt: str
    """Portuguese text."""


@frozen
class KycRejectionReasons(Resources[KycRejectionReason], Model):
    """All rejection reasons: an immutable sequence. Wire: json:api document.

    Source:
        Bitex developer guide, "List all KYC Rejection Reasons".
    """

    data: tuple[KycRejectionReason, ...]
    """The reasons, in the exchange's order."""
