"""Answers about the account, by v3. Numbers travel as text."""

from __future__ import annotations

from attrs import frozen

from exchanges.wire import TextDecimal


@frozen(kw_only=True)
class Balance:
    """The balance of one currency. Wire: object.

    Source:
        Bitso API v3, "Get Account Balance".
    """

    currency: str
    """Such as mxn."""
    total: TextDecimal
    """Of the currency: available and locked together."""
    locked: TextDecimal
    """Of the currency: in open orders."""
    available: TextDecimal
    """Of the currency: free to use."""
    # Quirk: the table of the document has both, its later versions and samples do not.
    pending_deposit: TextDecimal | None = None
    """Of the currency: on its way in, not yet in the total; None if not sent."""
    pending_withdrawal: TextDecimal | None = None
    """Of the currency: on its way out, no longer in the total; None if not sent."""
