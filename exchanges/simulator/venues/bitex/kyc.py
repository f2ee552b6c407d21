"""KYC: profiles and files, stored and returned as they were given."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import attrs
from attrs import define, field

from exchanges.bitex import KycFile, KycProfile, UsageTier
from exchanges.bitex.kyc import Kyc
from exchanges.simulator.engine.rejections import Reason, Refused, refuse_if
from exchanges.simulator.engine.store import Store
from exchanges.simulator.venues.bitex.customers import BitexAccount, BitexCall, BitexHandlers, finds
from exchanges.simulator.venues.handlers import answers, handles, lists
from exchanges.wire import Json, encode

ACCEPTED = ("image/jpeg", "image/jpg", "image/png", "image/bmp", "image/gif", "application/pdf", "application/x-pdf")
_NAMES = [a.name for a in attrs.fields(KycProfile) if a.name != "extra"]
_ATTRIBUTES = [name for name in _NAMES if name not in ("id", "accepted_usage_tier")]
_REASONS = (
    ("invalid_fields", "Some fields were invalid", "Hay campos inválidos", "Há campos inválidos"),
    ("photo_id_is_illegible", "The photo ID is illegible", "El documento es ilegible", "O documento é ilegível"),
    ("photo_id_is_missing", "There is no photo ID", "Falta el documento", "Falta o documento"),
)
_DETAILS = ("code", "detail_en", "detail_es", "detail_pt")
_REJECTION_REASONS: Json = [
    {"id": str(number), "type": "kyc_rejection_reasons", "attributes": dict(zip(_DETAILS, reason, strict=True))}
    for number, reason in enumerate(_REASONS, 1)
]


@define(eq=False)
class KycHandlers(BitexHandlers):
    """Profiles, and what is known of their files.

    A profile has no accepted tier until it has a file; then it is MICRO until a review.
    """

    profiles: Store[KycProfile] = field(init=False, factory=Store[KycProfile])
    stored_files: Store[KycFile] = field(init=False, factory=Store[KycFile])

    profile = finds(Kyc.profile, lambda self: self.profiles, "kyc_profile_id")
    all_profiles = lists(Kyc.profiles, lambda self, call: self.profiles.of(call.owner))
    files = lists(Kyc.files, lambda self, call: self.stored_files.of(call.owner))
    rejection_reasons = answers(Kyc.rejection_reasons, lambda _, __: {"data": _REJECTION_REASONS})
    default_profile = answers(Kyc.default_profile, lambda self, call: self.default_of(call.account))
    create_profile = answers(Kyc.create_profile, lambda self, call: self.create(call.owner, _given(call)))
    update_profile = answers(
        Kyc.update_profile, lambda self, call: self.update(call, call.arguments.integer("kyc_profile_id"))
    )
    update_default_profile = answers(
        Kyc.update_default_profile, lambda self, call: self.update(call, call.account.kyc_profile_id)
    )

    @handles(Kyc.create_file)
    def create_file(self, call: BitexCall) -> object:
        """Add a file, of whose content only the size is kept."""
        profile = self.profiles.get(call.owner, call.arguments.integer("kyc_profile_id"))
        document = call.arguments.fields("document")
        kind = call.arguments.words("document_content_type") or str(document["content_type"])
        size = document["size"]
        if kind not in ACCEPTED or not isinstance(size, int) or not size:
            raise Refused(Reason.WRONG_ARGUMENT, "document", "no es un archivo aceptado")
        number = self.stored_files.next_id()
        url = f"https://files.example.com/{number}?signature=simulated"
        # The first file is accepted at once; a review may change that.
        if profile.accepted_usage_tier is None:
            self.profiles.change(profile.id, accepted_usage_tier=UsageTier.MICRO)
        file = KycFile(number, profile.id, url, str(document["file_name"]), kind, size)
        return self.stored_files.put(call.owner, number, file)

    @handles(Kyc.profile_files)
    def profile_files(self, call: BitexCall) -> object:
        """List the files of one profile."""
        profile = self.profiles.get(call.owner, call.arguments.integer("kyc_profile_id"))
        return [file for file in self.stored_files.of(call.owner) if file.kyc_profile_id == profile.id]

    def add_default(self, account: BitexAccount) -> BitexAccount:
        """Create the default profile of a new account."""
        account.kyc_profile_id = self.create(account.user_id, {"usage_tier": UsageTier.MICRO}).id
        return account

    def default_of(self, account: BitexAccount) -> KycProfile:
        """Return the default profile of an account."""
        return self.profiles.get(account.user_id, account.kyc_profile_id)

    def profile_id(self, call: BitexCall) -> int:
        """Return the profile that a request names, or the default one.

        Raises:
            Refused: The account has no such profile.
        """
        number = call.arguments.integer("kyc_profile_id", call.account.kyc_profile_id)
        refuse_if(not self.profiles.has(call.owner, number), Reason.WRONG_ARGUMENT, "kyc_profile_id", "no existe")
        return number

    def update(self, call: BitexCall, kyc_profile_id: int) -> KycProfile:
        """Change what the request contains."""
        profile = self.profiles.get(call.owner, kyc_profile_id)
        return self.profiles.change(profile.id, **_given(call))

    def review(self, kyc_profile_id: int, tier: UsageTier | None, now_ms: int) -> None:
        """Accept a profile into *tier*, or reject it, and notify the reseller.

        Raises:
            KeyError: There is no such profile.
        """
        profile = self.profiles.change(kyc_profile_id, accepted_usage_tier=tier)
        account = self.customers.by_id[self.profiles.owner(kyc_profile_id)]
        cells = encode(profile)
        known = dict(zip(_NAMES[1:], cells[1:] if isinstance(cells, list) else [], strict=False))
        attributes: Json = {**known, "accepted_usage_tier": None if tier is None else tier.value}
        # Posted as a json:api document, although the same profile is a row in answers.
        data: Json = {"id": str(profile.id), "type": "kyc_profiles", "attributes": attributes}
        self.customers.post_to_webhook(account, {"data": data}, now_ms)

    def create(self, owner: int, given: dict[str, Any]) -> KycProfile:
        """Create a profile of these fields; the others are absent."""
        fields: dict[str, Any] = {**dict.fromkeys(_ATTRIBUTES), **given}
        profile = KycProfile(self.profiles.next_id(), **fields)
        return self.profiles.put(owner, profile.id, profile)


def _given(call: BitexCall) -> dict[str, Any]:
    """Return the fields of a profile that a request contains."""
    given: dict[str, Any] = {name: value for name, value in call.arguments.values.items() if name in _ATTRIBUTES}
    given["usage_tier"] = UsageTier(given["usage_tier"])
    if "birth_date" in given:
        given["birth_date"] = datetime.strptime(given["birth_date"], "%Y/%m/%d").replace(tzinfo=UTC)
    return given
