"""Who the customers are: profiles and files, stored and returned as they were given."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import attrs
from attrs import define, evolve, field

from exchanges.bitex import KycFile, KycProfile, UsageTier
from exchanges.simulator.engine.rejections import Reason, Refused
from exchanges.simulator.engine.store import Shelf
from exchanges.simulator.venues.bitex.base import BitexAccount, House, account_of
from exchanges.simulator.venues.venue import Call, handles
from exchanges.wire import Json, encode

__all__ = ["KycCounter"]

ACCEPTED = ("image/jpeg", "image/jpg", "image/png", "image/bmp", "image/gif", "application/pdf", "application/x-pdf")
_NAMES = [a.name for a in attrs.fields(KycProfile) if a.name != "extra"]
_ATTRIBUTES = [name for name in _NAMES if name not in ("id", "accepted_usage_tier")]
_REASONS = (
    ("invalid_fields", "Some fields were invalid", "Hay campos inválidos", "Há campos inválidos"),
    ("photo_id_is_illegible", "The photo ID is illegible", "El documento es ilegible", "O documento é ilegível"),
    ("photo_id_is_missing", "There is no photo ID", "Falta el documento", "Falta o documento"),
)


@define(eq=False, slots=False)
class KycCounter(House):
    """Keeps profiles and what is known of their files.

    A profile that asks for a tier has none until it has a file; then it is MICRO, until staff says otherwise.
    """

    profiles: Shelf[KycProfile] = field(init=False, factory=Shelf[KycProfile])
    kyc_files: Shelf[KycFile] = field(init=False, factory=Shelf[KycFile])

    def welcome(self, account: BitexAccount, usd: Decimal = Decimal(0), btc: Decimal = Decimal(0)) -> BitexAccount:
        """Take in a customer, and open his main profile."""
        self.enter(account, usd, btc)
        account.kyc_profile_id = self.profiles.next_id()
        nothing: dict[str, Any] = dict.fromkeys(_ATTRIBUTES)
        nothing["usage_tier"] = UsageTier.MICRO
        profile = KycProfile(account.kyc_profile_id, **nothing)
        self.profiles.put(account.user_id, profile.id, profile)
        return account

    def profile_id(self, call: Call) -> int:
        """Take the profile that a call names; the main one where it names none.

        Raises:
            Refused: The account has no such profile.
        """
        account = account_of(call)
        named = call.arguments.integer("kyc_profile_id", account.kyc_profile_id)
        if not self.profiles.has(account.user_id, named):
            raise Refused(Reason.WRONG_ARGUMENT, "kyc_profile_id", "no existe")
        return named

    def review(self, kyc_profile_id: int, tier: UsageTier | None, now_ms: int) -> None:
        """Accept a profile into *tier*, or reject it, and tell the reseller."""
        account = self.customers[self.profiles.owner(kyc_profile_id)]
        profile = evolve(self.profiles.find(account.user_id, kyc_profile_id), accepted_usage_tier=tier)
        self.profiles.put(account.user_id, profile.id, profile)
        cells = encode(profile)
        told = dict(zip(_NAMES[1:], cells[1:] if isinstance(cells, list) else [], strict=False))
        attributes: Json = {**told, "accepted_usage_tier": None if tier is None else tier.value}
        data: Json = {"id": str(profile.id), "type": "kyc_profiles", "attributes": attributes}
        self.post_to_webhook(account, {"data": data}, now_ms)

    @handles("bitex.kyc.create_profile")
    def create_profile(self, call: Call) -> object:
        """Register somebody."""
        fields: dict[str, Any] = {**dict.fromkeys(_ATTRIBUTES), **_given(call)}
        profile = KycProfile(self.profiles.next_id(), **fields)
        return self.profiles.put(account_of(call).user_id, profile.id, profile)

    @handles("bitex.kyc.update_profile")
    def update_profile(self, call: Call) -> object:
        """Change what is given."""
        return self._update(call, call.arguments.integer("kyc_profile_id"))

    @handles("bitex.kyc.update_default_profile")
    def update_default_profile(self, call: Call) -> object:
        """Change what is given."""
        return self._update(call, account_of(call).kyc_profile_id)

    @handles("bitex.kyc.profile")
    def kyc_profile(self, call: Call) -> object:
        """Find a profile."""
        return self.profiles.find(account_of(call).user_id, call.arguments.integer("kyc_profile_id"))

    @handles("bitex.kyc.default_profile")
    def default_profile(self, call: Call) -> object:
        """Find the main profile."""
        account = account_of(call)
        return self.profiles.find(account.user_id, account.kyc_profile_id)

    @handles("bitex.kyc.profiles")
    def kyc_profiles(self, call: Call) -> object:
        """List all profiles."""
        return self.profiles.of(account_of(call).user_id)

    @handles("bitex.kyc.create_file")
    def create_file(self, call: Call) -> object:
        """Take a file: of its content only the size is kept."""
        account = account_of(call)
        profile = self.profiles.find(account.user_id, call.arguments.integer("kyc_profile_id"))
        about = call.arguments.fields("document")
        kind = call.arguments.words("document_content_type") or str(about["content_type"])
        if kind not in ACCEPTED or not about["size"]:
            raise Refused(Reason.WRONG_ARGUMENT, "document", "no es un archivo aceptado")
        number = self.kyc_files.next_id()
        url = f"https://files.example.com/{number}?signature=simulated"
        size = about["size"]
        file = KycFile(number, profile.id, url, str(about["file_name"]), kind, size if isinstance(size, int) else 0)
        if profile.accepted_usage_tier is None:
            self.profiles.put(account.user_id, profile.id, evolve(profile, accepted_usage_tier=UsageTier.MICRO))
        return self.kyc_files.put(account.user_id, number, file)

    @handles("bitex.kyc.profile_files")
    def profile_files(self, call: Call) -> object:
        """List the files of one profile."""
        account = account_of(call)
        profile = self.profiles.find(account.user_id, call.arguments.integer("kyc_profile_id"))
        return [file for file in self.kyc_files.of(account.user_id) if file.kyc_profile_id == profile.id]

    @handles("bitex.kyc.files")
    def files(self, call: Call) -> object:
        """List all files."""
        return self.kyc_files.of(account_of(call).user_id)

    @handles("bitex.kyc.rejection_reasons")
    def rejection_reasons(self, call: Call) -> object:  # noqa: ARG002 - always the same
        """List why a profile may be rejected."""
        names = ("code", "detail_en", "detail_es", "detail_pt")
        entries = [dict[str, Json](zip(names, reason, strict=True)) for reason in _REASONS]
        return {"data": [_resource(number, entry) for number, entry in enumerate(entries, 1)]}

    def _update(self, call: Call, kyc_profile_id: int) -> KycProfile:
        account = account_of(call)
        profile = evolve(self.profiles.find(account.user_id, kyc_profile_id), **_given(call))
        return self.profiles.put(account.user_id, profile.id, profile)


def _resource(number: int, attributes: dict[str, Json]) -> Json:
    return {"id": str(number), "type": "kyc_rejection_reasons", "attributes": attributes}


def _given(call: Call) -> dict[str, Any]:
    """Take what a call says of a profile."""
    given: dict[str, Any] = {name: value for name, value in call.arguments.values.items() if name in _ATTRIBUTES}
    given["usage_tier"] = UsageTier(given["usage_tier"])
    if "birth_date" in given:
        given["birth_date"] = datetime.strptime(given["birth_date"], "%Y/%m/%d").replace(tzinfo=UTC)
    return given
