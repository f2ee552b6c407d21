"""Deposits, withdrawals and addresses."""

from __future__ import annotations

from datetime import timedelta
from typing import TypeVar, cast

from attrs import evolve, frozen

from exchanges.bitex.account import Account
from exchanges.bitex.funding import Funding
from exchanges.bitex.kyc import Kyc
from exchanges.bitex.models.codes import DepositMethod
from exchanges.bitex.models.funding import Address
from exchanges.bitex.models.kyc import KycProfile
from exchanges.bitex.models.market import Profile
from exchanges.bitex.models.rows import SpecieWithdrawal, UsdDeposit, UsdWithdrawal
from exchanges.outcomes.matching import (
    Listing,
    MatchQuality,
    compare,
    compare_numbers,
    compare_tags,
    compare_texts,
    is_shown,
    match,
    rows_of,
    same_if,
)
from exchanges.outcomes.search import Answers, Match, Matches, Query, Read, Search, Searches, id_of

# By the guide; margins for clocks are added where it is compared.
LISTED = timedelta(days=30)
BTC = 1
ADDRESSES = Read.of(Funding.addresses)
PROFILE = Read.of(Account.profile)
MAIN_PROFILE = Read.of(Kyc.default_profile)
# Quirk: a deposit is announced with a word and shown with a number (guide); no document relates the two.
_METHODS = {"bank": DepositMethod.OTHER, "more_mt": DepositMethod.MORE_MT}

T = TypeVar("T", UsdDeposit, UsdWithdrawal, SpecieWithdrawal)


@frozen
class _Transfers(Listing[T]):
    """A search in a list of transfers, each of one KYC profile: of the main one if the call names none."""

    def __call__(self, query: Query, answers: Answers) -> Matches:
        """Return the matches, or what to read."""
        matches = super().__call__(query, answers)
        named = query.text("kyc_profile_id") is not None
        # Which profile is the main one matters only if something was found: most looks save this read.
        if matches.more or named or all(found.tagged for found in matches.candidates):
            return matches
        if MAIN_PROFILE not in answers:
            return evolve(matches, more=(MAIN_PROFILE,))
        main = answers[MAIN_PROFILE]
        number = main.id if isinstance(main, KycProfile) else None
        return evolve(matches, candidates=tuple(_for_main_profile(found, number) for found in matches.candidates))


def _for_main_profile(found: Match, main: int | None) -> Match:
    """Lower the certainty of a match for another profile than *main*."""
    row = cast("UsdDeposit | UsdWithdrawal | SpecieWithdrawal", found.found)
    return evolve(found, sure=found.sure and row.kyc_profile_id in (None, main))


def _compare_profiles(query: Query, shown: int | None) -> MatchQuality:
    wanted = query.text("kyc_profile_id")
    return MatchQuality.SAME if wanted is None else compare_numbers(shown, wanted)


def _usd_deposit(query: Query, deposit: UsdDeposit) -> Match | None:
    method = _METHODS.get(query.text("deposit_method") or "")
    return match(
        query,
        deposit,
        # A deposit that was announced has a requested amount.
        same_if(deposit.requested_amount is not None),
        compare(deposit.requested_amount, query.amount("amount")),
        compare_texts(deposit.country, query.text("country")),
        compare_texts(deposit.currency, query.text("currency")),
        same_if(method == deposit.deposit_method, MatchQuality.DOUBTFUL),
        compare_texts(deposit.request_details, query.text("request_details")),
        _compare_profiles(query, deposit.kyc_profile_id),
        name=deposit.id,
        shown_at=deposit.created_at,
    )


def _usd_withdrawal(query: Query, withdrawal: UsdWithdrawal) -> Match | None:
    return match(
        query,
        withdrawal,
        compare(withdrawal.amount, query.amount("amount")),
        _compare_profiles(query, withdrawal.kyc_profile_id),
        # A withdrawal shows the words of its instruction, not its id, and no read shows which words are whose.
        MatchQuality.DOUBTFUL,
        name=withdrawal.id,
        shown_at=withdrawal.created_at,
    )


def _btc_withdrawal(query: Query, withdrawal: SpecieWithdrawal) -> Match | None:
    label, tagged = compare_tags(query, "label", withdrawal.label)
    return match(
        query,
        withdrawal,
        same_if(withdrawal.specie == BTC),
        compare(withdrawal.quantity, query.amount("amount")),
        compare_texts(withdrawal.to_address, query.text("address")),
        _compare_profiles(query, withdrawal.kyc_profile_id),
        label,
        name=withdrawal.id,
        shown_at=withdrawal.created_at,
        tagged=tagged,
    )


def _addresses(query: Query, answers: Answers) -> Matches:
    """Search for an address: any that was not created for a payment, and is not the first one of the account."""
    if unread := tuple(read for read in (ADDRESSES, PROFILE) if read not in answers):
        return Matches(more=unread)
    rows, profile = rows_of(answers, ADDRESSES, Address), answers[PROFILE]
    first = profile.btc_deposit_address if isinstance(profile, Profile) else None
    # Quirk: the guide lists the first address of an account among those that were created.
    sells = query.text("auto_sell") == "true"
    own = [row for row in rows or () if row.payment_id is None and row.public_address != first]
    found = tuple(Match(row.public_address, row, sure=False) for row in own if row.auto_sell is sells)
    return Matches(found, complete=rows is not None)


def _are_all_transfers(query: Query, _: object) -> bool:
    return is_shown(query, LISTED)


_DEPOSITS = Read.of(Funding.usd_deposits)
_WITHDRAWALS = Read.of(Funding.usd_withdrawals)
_BTC_WITHDRAWALS = Read.of(Funding.btc_withdrawals)
SEARCHES: Searches = {
    id_of(Funding.create_usd_deposit): Search(
        _Transfers(lambda _: _DEPOSITS, UsdDeposit, _usd_deposit, _are_all_transfers)
    ),
    id_of(Funding.create_usd_withdrawal): Search(
        _Transfers(lambda _: _WITHDRAWALS, UsdWithdrawal, _usd_withdrawal, _are_all_transfers)
    ),
    id_of(Funding.create_btc_withdrawal): Search(
        _Transfers(lambda _: _BTC_WITHDRAWALS, SpecieWithdrawal, _btc_withdrawal, _are_all_transfers)
    ),
    id_of(Funding.create_address): Search(_addresses, lambda address: Match(address.public_address, address)),
}
