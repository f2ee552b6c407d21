"""What happens at Bitex without its API: coins are sent, staff decides, callbacks go out."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from exchanges.bitex import UsageTier
from exchanges.bitex.models.concierge import WorkOrderStatus
from exchanges.simulator.engine.balances import Party
from exchanges.simulator.venues.bitex.venue import BitexPlay
from exchanges.simulator.webhooks import Deliver, Delivery

__all__ = ["Backstage"]


class Backstage:
    """The hand of a test in the simulated Bitex; `Simulator.bitex`.

    Args:
        play: What is played.
        now: Milliseconds since 1970, by the simulated clock.
    """

    def __init__(self, play: BitexPlay, now: Callable[[], int]) -> None:
        self._play = play
        self._now = now

    def __repr__(self) -> str:
        """Show how much was posted."""
        return f"Backstage({len(self.deliveries)} deliveries)"

    # The world outside

    def send_btc(self, public_address: str, quantity: Decimal) -> None:
        """Send coins to an address; they are credited half an hour later, by the simulated clock.

        To the address of a payment they are what `pay` sends.

        Raises:
            LookupError: Nobody has this address.
        """
        self._play.arrive(public_address, quantity, self._now())

    def deposit_address(self, user_id: int = 1) -> str:
        """Give the first address of a customer.

        Raises:
            KeyError: There is no such customer.
        """
        return self._play.customers[user_id].deposit_address

    def pay(self, payment_id: int, quantity: Decimal | None = None, *, confirms: bool = True) -> None:
        """Send coins for a payment, which is SEEN at once, DONE half an hour later and SETTLED a minute after that.

        Args:
            payment_id: Which.
            quantity: BTC; as many as are expected unless said.
            confirms: Whether the network ever confirms them; if not the payment is CANCELLED two hours later.

        Raises:
            KeyError: There is no such payment.
        """
        self._play.pay(payment_id, quantity, self._now(), confirms=confirms)

    # The staff

    def review(self, kyc_profile_id: int, tier: UsageTier | None) -> None:
        """Accept a KYC profile into a tier, or (None) reject it; the reseller hears of it.

        Raises:
            KeyError: There is no such profile.
        """
        self._play.review(kyc_profile_id, tier, self._now())

    def progress(self, work_order_request_id: int, status: WorkOrderStatus) -> None:
        """Move a work order on; the reseller hears of it. No money moves.

        Raises:
            KeyError: There is no such work order.
        """
        self._play.progress(work_order_request_id, status, self._now())

    # The post

    @property
    def deliveries(self) -> list[Delivery]:
        """All that was posted, or would have been, in order."""
        return self._play.poster.deliveries

    @property
    def deliver(self) -> Deliver:
        """What carries each delivery; may be set. See `exchanges.simulator.forward_to`."""
        return self._play.poster.deliver

    @deliver.setter
    def deliver(self, deliver: Deliver) -> None:
        self._play.poster.deliver = deliver

    async def delivered(self) -> None:
        """Wait until every delivery was carried, and answered where it went anywhere."""
        await self._play.poster.delivered()

    # The books

    def holdings(self, currency: str) -> dict[str, Decimal]:
        """Say who holds how much of ``usd`` or ``btc``: the accounts together, fees, strangers, the world outside.

        The world outside is owed what came in, so the sum is zero, to the last digit.
        """
        desks = [account.desk for account in self._play.customers.values()]
        purses = [desk.usd if currency == "usd" else desk.btc for desk in desks]
        others = {party.value: self._play.tally.held(party, currency) for party in Party}
        return {"accounts": sum((purse.balance for purse in purses), Decimal(0)), **others}
