"""KYC profiles, their files, and users of resellers: none bears a date, so none is ever sure."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from exchanges.bitex.kyc import Kyc
from exchanges.bitex.models.kyc import KycProfile
from exchanges.bitex.models.kyc_files import KycFile
from exchanges.bitex.models.resellers import ResellerUser, ResellerUserCreated
from exchanges.bitex.reconcile.likeness import UNTOLD, Likeness, alike_number, structure, trace
from exchanges.bitex.reconcile.lists import Listing
from exchanges.bitex.resellers import Resellers
from exchanges.outcomes.search import Match, Query, Read
from exchanges.redaction import REDACTED

__all__ = ["FILES", "PROFILES", "USERS", "made_user"]

_CELLS = frozenset(a.name for a in attrs.fields(KycProfile)) - {"id", "accepted_usage_tier", "extra"}


def _profile(sought: Query, profile: KycProfile) -> Match | None:
    """Compare what was said of somebody; what was not said may have been added since."""
    likenesses = [
        _alike_word(wanted, getattr(profile, name))
        for name, wanted in sought.intent.arguments.items()
        if name in _CELLS
    ]
    return trace(sought, profile, [*likenesses, UNTOLD], name=profile.id)


def _alike_word(wanted: str, shown: object) -> Likeness:
    if shown is None:
        return False
    return UNTOLD if wanted == REDACTED else wanted.strip().casefold() == str(shown).strip().casefold()


def _file(sought: Query, file: KycFile) -> Match | None:
    """Compare size and type, as far as the intent tells them."""
    document = structure(sought, "document")
    about = document if isinstance(document, dict) else {}
    size = about.get("size")
    likenesses = [
        alike_number(sought.text("kyc_profile_id"), file.kyc_profile_id),
        alike_number(None if size is None else str(size), file.file_size),
        UNTOLD,
    ]
    return trace(sought, file, likenesses, name=file.id)


def _user(sought: Query, user: ResellerUser) -> Match | None:
    """Compare the address, which nobody else has; whoever has it may have had it before."""
    wanted = (sought.text("email") or "").strip().casefold()
    return trace(sought, user, [wanted == user.email.strip().casefold(), UNTOLD], name=user.id)


def _all_users(sought: Query, users: Sequence[ResellerUser]) -> bool:
    # The guide prints one flat row where it speaks of all users: a single one may be all that such an answer holds.
    return len(users) != 1 or _user(sought, users[0]) is not None


def made_user(user: ResellerUserCreated) -> Match:
    """Name a user that was answered."""
    return Match(str(user.user_id), user)


PROFILES = Listing(lambda _: Read.of(Kyc.profiles), KycProfile, _profile, lambda _, __: True)
FILES = Listing(
    lambda sought: Read.of(Kyc.profile_files, kyc_profile_id=int(sought.text("kyc_profile_id") or 0)),
    KycFile,
    _file,
    lambda _, __: True,
)
USERS = Listing(lambda _: Read.of(Resellers.users), ResellerUser, _user, _all_users)
