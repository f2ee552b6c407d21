"""Arguments of a withdrawal: what they must be, alone and together, and what a `WithdrawalMethod` demands of them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Mapping
from typing import Annotated, Any, TypedDict, cast
from unicodedata import combining, normalize

from exchanges.bitso.clabe import fault_of_clabe
from exchanges.bitso.ids import fault_of_origin_id
from exchanges.bitso.models.funding import WithdrawalMethod
from exchanges.endpoint import Area, Endpoint, Param
from exchanges.endpoint.arguments import json_object, tag
from exchanges.errors import UsageError

MAX_REFERENCE_DIGITS = 7
MAX_NOTES = 40
MAX_CONTACT_DIGITS = 18
MIN_PHONE_DIGITS = 7
"""The shortest phone number that is compared; of a shorter one nobody knows what is missing."""
MIN_CUT_NAME = 15
"""The shortest name that may be one that was cut."""
# What a stored receiver stands for: with one, none of these may be given.
_DESTINATION = ("address", "destination_tag", "clabe", "email", "phone_number", "refcode")
_TAXONOMY = ("asset", "method", "network", "protocol", "integration")

# Networks and protocols of coins that have no tag: with one the withdrawal is meant for another coin.
_WITHOUT_TAG = frozenset({"btc", "bch", "ltc", "eth", "erc20"})
_NO_DIGITS = re.compile(r"[^0-9]+")


def contact_number(value: object) -> int:
    """Convert the id of a stored receiver: a number on the wire, a text in `Contact`."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= MAX_CONTACT_DIGITS:
        return int(value)
    if type(value) is not int or not 0 <= value < 10**MAX_CONTACT_DIGITS:
        raise ValueError("must be the id of a stored receiver: a number")
    return value


def fault_of_reference(reference: str) -> str | None:
    """Return what is wrong with a numeric reference; None if nothing is."""
    is_right = reference.isascii() and reference.isdigit() and len(reference) <= MAX_REFERENCE_DIGITS
    return None if is_right else f"must be 1 to {MAX_REFERENCE_DIGITS} digits"


def fault_of_notes(notes: str) -> str | None:
    """Return what is wrong with a text for the receiver; None if nothing is."""
    return None if len(notes) <= MAX_NOTES else f"must have at most {MAX_NOTES} characters"


def is_same_phone(sent: str, shown: str) -> bool:
    """Return whether two phone numbers may be one: either may lack the country, and has signs of its own."""
    one, other = sorted((_NO_DIGITS.sub("", text) for text in (sent, shown)), key=len)
    return len(one) >= MIN_PHONE_DIGITS and other.endswith(one)


def is_same_name(sent: str, shown: str) -> bool:
    """Return whether two names may be one: banks drop accents and signs, and cut what is long."""
    one, other = sorted((_plain(text) for text in (sent, shown)), key=len)
    return other.startswith(one) and (len(one) >= MIN_CUT_NAME or one == other)


def _plain(name: str) -> str:
    letters = "".join(sign if sign.isalnum() else " " for sign in normalize("NFKD", name) if not combining(sign))
    return " ".join(letters.casefold().split())


def _without_zeros(reference: str) -> str:
    return reference.lstrip("0") or "0"


Details = Annotated[
    Mapping[str, object] | None, Param(type="object", render=json_object, is_spread=True, echo=None, secret=True)
]
Compliance = Annotated[Mapping[str, object] | None, Param(type="object", render=json_object, echo=None, secret=True)]
WithdrawalId = Annotated[str | None, Param(check=fault_of_origin_id, call_id=True, echo="client_id")]


class Receiver(TypedDict, total=False):
    """Who receives a withdrawal, and by which method; what is None is not sent.

    Attributes:
        asset: What travels, mostly the currency. None: that of the method.
        network: None: that of the method.
        protocol: None: that of the method.
        integration: None: that of the method; few need it.
        address: Of coins.
        destination_tag: Tag or memo that the receiver demands, such as of XRP.
        contact_id: A stored receiver, in place of address and method.
        clabe: SPEI: number of the account, whose last digit is checked.
        beneficiary: SPEI: name of the receiver.
        notes_ref: SPEI: up to 40 characters.
        numeric_ref: SPEI: up to 7 digits.
        rfc: SPEI: tax id of the receiver.
        email: Bitso Transfer: the receiver.
        phone_number: Bitso Transfer: the receiver, with country code.
        refcode: Bitso Transfer: the receiver.
        notes: Bitso Transfer: a text.
    """

    asset: str | None
    network: str | None
    protocol: str | None
    integration: str | None
    address: str | None
    destination_tag: Annotated[str | int | None, Param(type="str", render=tag)]
    contact_id: Annotated[int | str | None, Param(type="int", render=contact_number)]
    clabe: Annotated[str | None, Param(check=fault_of_clabe, secret=True, echo="clabe")]
    beneficiary: Annotated[str | None, Param(secret=True, echo="beneficiary", same=is_same_name)]
    notes_ref: Annotated[str | None, Param(check=fault_of_notes)]
    numeric_ref: Annotated[str | None, Param(check=fault_of_reference, canonical=_without_zeros)]
    rfc: Annotated[str | None, Param(secret=True, echo="rfc")]
    email: Annotated[str | None, Param(secret=True, echo="email")]
    phone_number: Annotated[str | None, Param(secret=True, echo="phone_number", same=is_same_phone)]
    refcode: str | None
    notes: str | None


def fault_of_withdrawal(arguments: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the arguments of a withdrawal together; None if nothing is."""
    given = {name for name, value in arguments.items() if value is not None}
    if "contact_id" in given:
        surplus = [name for name in (*_DESTINATION, *_TAXONOMY) if name in given]
        return f"contact_id stands for the receiver: leave out {', '.join(surplus)}" if surplus else None
    details: Mapping[str, Any] = arguments.get("details") or {}
    if not given.intersection(_DESTINATION) and not details:
        return (
            f"give the receiver: one of contact_id, {', '.join(_DESTINATION)}, or the fields of the method in details"
        )
    if "destination_tag" in given:
        if "address" not in given and "address" not in details:
            return "a destination_tag belongs to an address"
        names = {str(arguments[name]).lower() for name in ("network", "protocol") if name in given}
        if found := names & _WITHOUT_TAG:
            return f"{min(found)} has no destination_tag: check the currency and its network"
    if "address" in given and not given.issuperset(("network", "protocol")):
        return "an address needs asset, method, network and protocol of one of withdrawal_methods"
    return None


def create_by_method(area: Area, endpoint: Endpoint, arguments: Mapping[str, Any]) -> Awaitable[object]:
    """Create a withdrawal; a `WithdrawalMethod` as *method* fills in its names and demands what it requires."""
    method = arguments.get("method")
    if isinstance(method, WithdrawalMethod):
        # None stands for the method's own name, as if the argument were left out.
        said = {name: value for name, value in arguments.items() if value is not None}
        arguments = {**_names_of(endpoint, method, arguments), **said, "method": method.method}
        given = {*_given(arguments), *_given(arguments.get("details"))}
        if missing := [name for name in method.required_fields if name not in given]:
            fault = f"{method.name or method.method} needs {', '.join(missing)}; nothing was sent"
            raise UsageError(f"{endpoint.id} ({endpoint}): {fault}", endpoint=endpoint.id)
    return area.caller(endpoint, arguments)  # not awaited here: details are secret, and a waiting frame shows them


def _given(values: object) -> list[str]:
    """Return the names of a mapping that have a value: None, and a text of blanks alone, are none."""
    if not isinstance(values, dict):
        return []
    items = cast("dict[str, object]", values).items()
    return [name for name, value in items if value is not None and not (isinstance(value, str) and not value.strip())]


def _names_of(endpoint: Endpoint, method: WithdrawalMethod, arguments: Mapping[str, Any]) -> dict[str, str]:
    """Return what *method* is called in a withdrawal of its currency.

    Raises:
        UsageError: It does not send this currency, or is switched off.
    """
    currency = arguments.get("currency")
    currency = str.__str__(currency) if isinstance(currency, str) else None
    row = next((row for row in method.currency_configurations if row.currency == currency), None)
    fault = None
    if row is None and method.currency_configurations:
        fault = "does not send this currency"
    elif row is not None and row.status is not None and row.status.type.lower() != "active":
        fault = "is switched off by the exchange"
    if fault is not None:
        words = f"{endpoint.id} ({endpoint}): {method.name or method.method} {fault}; nothing was sent"
        raise UsageError(words, endpoint=endpoint.id)
    names = {"network": method.network, "protocol": method.protocol}
    if row is not None:
        names["asset"] = row.asset
    if method.integration is not None:
        names["integration"] = method.integration
    return names
