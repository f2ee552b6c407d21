"""Who the owners of an account are, and why they may be refused. Personal data do not print.

Source:
    Bitex developer guide, "KYC Profiles Overview" and the sections after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

from attrs import field, frozen

from exchanges.bitex.models.jsonapi import flat, folded, resource, unfolded
from exchanges.wire import OpenStrEnum, RawJson, Row, UnixTime

if TYPE_CHECKING:
    from exchanges.wire import Json

__all__ = ["KycProfile", "KycRejectionReason", "KycRejectionReasons", "UsageTier"]

REASONS = "kyc_rejection_reasons"


class UsageTier(OpenStrEnum):
    """How much an account may deposit and withdraw."""

    MICRO = "micro"
    """What a new profile with files is taken into until somebody has looked at it."""
    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


@frozen
class KycProfile(Row):
    """One person or company behind an account. Wire: row of 18, without class reference.

    Only id and tiers are printed.

    Source:
        Bitex developer guide, "Create a KYC Profile".
    """

    id: int
    """Unique among profiles."""
    first_name: str | None = field(repr=False)
    """None where it was not said; so with all that follow."""
    last_name: str | None = field(repr=False)
    """Family name."""
    personal_id_number: str | None = field(repr=False)
    """As on the document, in no particular format."""
    personal_id_issuer_country: str | None = field(repr=False)
    """Who issued the document, two capital letters."""
    personal_id_type: str | None = field(repr=False)
    """Free text; ``dni``, ``passport`` and ``drivers_license`` are suggested."""
    tax_id: str | None = field(repr=False)
    """In Argentina the CUIT."""
    birth_date: UnixTime | None = field(repr=False)
    """A moment of the day of birth (UTC); the guide does not say which, so the date may be off by one elsewhere."""
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
    """Whether it acts for a company or another legal entity."""
    politically_exposed_person: bool | None = field(repr=False)
    """Whether it counts as politically exposed."""
    usage_tier: UsageTier
    """What was asked for."""
    accepted_usage_tier: UsageTier | None = None
    """What was granted; None means rejected. May change at any time, from granted to rejected too."""
    extra: tuple[RawJson, ...] = field(default=(), kw_only=True, repr=False)
    """Surplus cells, as they came."""


@frozen
class KycRejectionReason:
    """Why a profile may be rejected. Wire: json:api resource of type ``kyc_rejection_reasons``.

    Source:
        Bitex developer guide, "List all KYC Rejection Reasons".
    """

    id: str
    """Unique among reasons."""
    code: str
    """What programs tell reasons apart by, such as ``photo_id_is_illegible``."""
    detail_en: str
    """In English, for the user's eyes."""
    detail_es: str
    """In Spanish."""
    detail_pt: str
    """In Portuguese."""

    @classmethod
    def from_wire(cls, value: dict[str, Json]) -> dict[str, Json]:
        """Read a resource."""
        return flat(value, REASONS)

    @classmethod
    def to_wire(cls, value: dict[str, Json]) -> dict[str, Json]:
        """Make a resource."""
        return resource(value, REASONS)


@frozen
class KycRejectionReasons(Sequence[KycRejectionReason]):
    """All reasons there are: a list that cannot be changed. Wire: json:api document.

    Source:
        Bitex developer guide, "List all KYC Rejection Reasons".
    """

    data: tuple[KycRejectionReason, ...]
    """In the exchange's order."""

    @classmethod
    def from_wire(cls, value: dict[str, Json]) -> dict[str, Json]:
        """Read a document."""
        return unfolded(value)

    @classmethod
    def to_wire(cls, value: dict[str, Json]) -> dict[str, Json]:
        """Make a document."""
        return folded(value)

    @overload
    def __getitem__(self, index: int) -> KycRejectionReason: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[KycRejectionReason, ...]: ...
    def __getitem__(self, index: int | slice) -> KycRejectionReason | tuple[KycRejectionReason, ...]:
        return self.data[index]

    def __len__(self) -> int:
        return len(self.data)
