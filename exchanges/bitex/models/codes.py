"""The numbers for states, reasons and methods. An unknown number is kept as received.

Source:
    Bitex developer guide, "Your Account Summary" and the sections of each class. Its "Accepted" and "Rejected" for
    deposits are other names of the same numbers 2 and 3.
"""

from __future__ import annotations

from exchanges.wire import OpenIntEnum


class OrderStatus(OpenIntEnum):
    """The state of a bid or an ask."""

    RECEIVED = 1
    """Queued until the funds are checked; not yet in the order book."""
    EXECUTING = 2
    """In the order book."""
    # The answer to a cancel has this status: the matching engine decides whether anything is left to cancel.
    TO_CANCEL = 3
    """To be cancelled as soon as the matching engine has removed it; may still trade."""
    CANCELLED = 4
    """No longer trades; a part of it may have been traded."""
    COMPLETED = 5
    """Traded in full."""


# An order without funds is accepted and cancelled afterwards, so the reason alone tells a failed order from others.
class OrderReason(OpenIntEnum):
    """Why a bid or an ask was cancelled."""

    NOT_CANCELLED = 0
    NOT_ENOUGH_FUNDS = 1
    USER_CANCELLED = 2
    OTHER = 3
    """Cancelled by Bitex."""


class WithdrawalStatus(OpenIntEnum):
    """The state of a withdrawal."""

    RECEIVED = 1
    """Queued until the funds are checked, usually for a short time."""
    PENDING = 2
    """Accepted; the staff process it, which may take hours."""
    DONE = 3
    """Processed; the transaction of coins appears on the network soon."""
    CANCELLED = 4
    """Not processed, see the reason."""


class SpecieWithdrawalReason(OpenIntEnum):
    """Why a withdrawal of coins was cancelled."""

    NOT_CANCELLED = 0
    NOT_ENOUGH_FUNDS = 1
    INVALID_ADDRESS = 2


class UsdWithdrawalReason(OpenIntEnum):
    """Why a withdrawal of money was cancelled."""

    NOT_CANCELLED = 0
    NOT_ENOUGH_FUNDS = 1
    INSTRUCTIONS_NOT_UNDERSTOOD = 2
    UNKNOWN_RECIPIENT = 3


class DepositMethod(OpenIntEnum):
    """How money was deposited."""

    ASTROPAY = 1
    """No longer offered; in old deposits only."""
    OTHER = 2
    """By wire or otherwise."""
    MORE_MT = 3


class DepositStatus(OpenIntEnum):
    """The state of a deposit of money."""

    PENDING = 1
    """Announced; the funds have not arrived."""
    # Quirk: the prose of the guide calls 2 and 3 "Accepted" and "Rejected"; its table and the recordings agree on
    # these.
    DONE = 2
    """Credited and available."""
    CANCELLED = 3
    """Not credited, see the reason."""


class DepositReason(OpenIntEnum):
    """Why a deposit of money was cancelled."""

    NOT_CANCELLED = 0
    DID_NOT_CREDIT = 1
    """The funds never arrived."""
    UNKNOWN_SENDER = 2
    """The funds cannot be accepted from this sender."""
    OTHER = 3
    USER_CANCELLED = 4
