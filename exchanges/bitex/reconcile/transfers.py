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
from exchanges.bitex.reconcile.likeness import (
    UNTOLD,
    Likeness,
    alike_amount,
    alike_number,
    alike_tag,
    alike_text,
    trace,
)
from exchanges.bitex.reconcile.lists import Listing, found_in, reaches, rows_of
from exchanges.outcomes.search import Answers, Match, Matches, Query, Read

__all__ = ["BTC_WITHDRAWALS", "USD_DEPOSITS", "USD_WITHDRAWALS", "addresses", "made_address"]

LISTED = timedelta(days=30)
BTC = 1
ADDRESSES = Read.of(Funding.addresses)
PROFILE = Read.of(Account.profile)
MAIN_PROFILE = Read.of(Kyc.default_profile)
_METHODS = {"bank": DepositMethod.OTHER, "more_mt": DepositMethod.MORE_MT}

T = TypeVar("T", UsdDeposit, UsdWithdrawal, SpecieWithdrawal)


@frozen
class _Transfers(Listing[T]):
    """A search in a list of transfers, each made for one KYC profile: the main one where the call names none."""

    def __call__(self, sought: Query, seen: Answers) -> Matches:
        """Look; whose main profile it is is asked only where something was found."""
        traces = super().__call__(sought, seen)
        named = sought.text("kyc_profile_id") is not None
        if traces.more or named or all(found.tagged for found in traces.candidates):
            return traces
        if MAIN_PROFILE not in seen:
            return evolve(traces, more=(MAIN_PROFILE,))
        main = seen[MAIN_PROFILE]
        number = main.id if isinstance(main, KycProfile) else None
        return evolve(traces, candidates=tuple(_made_for(found, number) for found in traces.candidates))


def _made_for(found: Match, main: int | None) -> Match:
    """Be unsure of what was made for another profile than the *main* one."""
    row = cast("UsdDeposit | UsdWithdrawal | SpecieWithdrawal", found.found)
    return evolve(found, sure=found.sure and row.kyc_profile_id in (None, main))


def _named_profile(sought: Query, shown: int | None) -> Likeness:
    wanted = sought.text("kyc_profile_id")
    return True if wanted is None else alike_number(wanted, shown)


def _usd_deposit(sought: Query, deposit: UsdDeposit) -> Match | None:
    likenesses = [
        # What was announced has an announced amount.
        deposit.requested_amount is not None and alike_amount(sought.amount("amount"), deposit.requested_amount),
        alike_text(sought.text("country"), deposit.country),
        alike_text(sought.text("currency"), deposit.currency),
        _METHODS.get(sought.text("deposit_method") or "") == deposit.deposit_method or UNTOLD,
        alike_text(sought.text("request_details"), deposit.request_details),
        _named_profile(sought, deposit.kyc_profile_id),
    ]
    return trace(sought, deposit, likenesses, name=deposit.id, told=deposit.created_at)


def _usd_withdrawal(sought: Query, withdrawal: UsdWithdrawal) -> Match | None:
    likenesses = [
        alike_amount(sought.amount("amount"), withdrawal.amount),
        _named_profile(sought, withdrawal.kyc_profile_id),
        UNTOLD,  # the instruction: a withdrawal shows what it says, not its id, and no read tells which is which
    ]
    return trace(sought, withdrawal, likenesses, name=withdrawal.id, told=withdrawal.created_at)


def _btc_withdrawal(sought: Query, withdrawal: SpecieWithdrawal) -> Match | None:
    label, tagged = alike_tag(sought, "label", withdrawal.label)
    likenesses = [
        withdrawal.specie == BTC,
        alike_amount(sought.amount("amount"), withdrawal.quantity),
        alike_text(sought.text("address"), withdrawal.to_address),
        _named_profile(sought, withdrawal.kyc_profile_id),
        label,
    ]
    return trace(sought, withdrawal, likenesses, name=withdrawal.id, told=withdrawal.created_at, tagged=tagged)


def addresses(sought: Query, seen: Answers) -> Matches:
    """Look for an address: any that was not made for a payment, and is not the first one of the account."""
    if unread := tuple(r for r in (ADDRESSES, PROFILE) if r not in seen):
        return Matches(more=unread)
    listed, profile = rows_of(seen, ADDRESSES, Address), seen[PROFILE]
    first = profile.btc_deposit_address if isinstance(profile, Profile) else None
    sells = sought.text("auto_sell") == "true"

    def compare(address: Address) -> Match | None:
        own = address.payment_id is None and address.public_address != first
        return trace(sought, address, [own, address.auto_sell is sells, UNTOLD], name=address.public_address)

    return Matches(found_in(listed or (), compare), whole=listed is not None)


def made_address(address: Address) -> Match:
    """Name an address that was answered."""
    return Match(address.public_address, address)


USD_DEPOSITS = _Transfers(
    lambda _: Read.of(Funding.usd_deposits), UsdDeposit, _usd_deposit, lambda sought, _: reaches(sought, LISTED)
)
USD_WITHDRAWALS = _Transfers(
    lambda _: Read.of(Funding.usd_withdrawals),
    UsdWithdrawal,
    _usd_withdrawal,
    lambda sought, _: reaches(sought, LISTED),
)
BTC_WITHDRAWALS = _Transfers(
    lambda _: Read.of(Funding.btc_withdrawals),
    SpecieWithdrawal,
    _btc_withdrawal,
    lambda sought, _: reaches(sought, LISTED),
)
