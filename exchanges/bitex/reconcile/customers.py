"""KYC profiles, their files, and users of resellers: none has a date, so none is ever sure."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from exchanges.bitex.kyc import Kyc
from exchanges.bitex.models.kyc import KycProfile
from exchanges.bitex.models.kyc_files import KycFile
from exchanges.bitex.models.resellers import ResellerUser
from exchanges.bitex.resellers import Resellers
from exchanges.outcomes.matching import Listing, MatchQuality, compare_numbers, match, same_if
from exchanges.outcomes.search import Match, Query, Read, Search, Searches, id_of
from exchanges.redaction import REDACTED

_CELLS = frozenset(a.name for a in attrs.fields(KycProfile)) - {"id", "accepted_usage_tier", "extra"}


def _profile(query: Query, profile: KycProfile) -> Match | None:
    """Compare what was sent; what was not sent may have been added since."""
    qualities = [
        _compare_words(getattr(profile, name), wanted)
        for name, wanted in query.intent.arguments.items()
        if name in _CELLS
    ]
    return match(query, profile, *qualities, name=profile.id)


# Free text: the exchange may trim it or change its case.
def _compare_words(shown: object, wanted: str) -> MatchQuality:
    if shown is None:
        return MatchQuality.OTHER
    if wanted == REDACTED:
        return MatchQuality.DOUBTFUL
    return same_if(wanted.strip().casefold() == str(shown).strip().casefold())


def _file(query: Query, file: KycFile) -> Match | None:
    """Compare size and profile; the intent does not hold the content."""
    document = query.structure("document")
    size = document.get("size") if isinstance(document, dict) else None
    return match(
        query,
        file,
        compare_numbers(file.kyc_profile_id, query.text("kyc_profile_id")),
        compare_numbers(file.file_size, None if size is None else str(size)),
        name=file.id,
    )


def _user(query: Query, user: ResellerUser) -> Match | None:
    """Compare the address, which no other user has; the user may have existed before."""
    wanted = (query.text("email") or "").strip().casefold()
    return match(query, user, same_if(wanted == user.email.strip().casefold()), name=user.id)


def _are_all_users(query: Query, users: Sequence[ResellerUser]) -> bool:
    # The guide prints one flat row where it speaks of all users: a single one may be all that such an answer holds.
    return len(users) != 1 or _user(query, users[0]) is not None


def _files_of(query: Query) -> Read:
    return Read.of(Kyc.profile_files, kyc_profile_id=int(query.text("kyc_profile_id") or 0))


_USERS = Listing(lambda _: Read.of(Resellers.users), ResellerUser, _user, _are_all_users)
SEARCHES: Searches = {
    id_of(Kyc.create_profile): Search(Listing(lambda _: Read.of(Kyc.profiles), KycProfile, _profile)),
    id_of(Kyc.create_file): Search(Listing(_files_of, KycFile, _file)),
    id_of(Resellers.create_user): Search(_USERS, lambda user: Match(str(user.user_id), user)),
}
