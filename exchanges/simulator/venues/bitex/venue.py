"""The simulated Bitex: who its accounts are, and who acts for whom."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from attrs import define, field

from exchanges.bitex import Bitex
from exchanges.endpoint import Access
from exchanges.simulator.engine.arithmetic import percent
from exchanges.simulator.engine.fills import MatchingOptions
from exchanges.simulator.engine.prices import BookSpec
from exchanges.simulator.engine.rejections import Reason, Refused, refuse_if
from exchanges.simulator.record import Venue
from exchanges.simulator.venues.bitex.account import AccountHandlers
from exchanges.simulator.venues.bitex.bots import BotHandlers
from exchanges.simulator.venues.bitex.concierge import ConciergeHandlers
from exchanges.simulator.venues.bitex.customers import BOOK, BitexAccount, Customers
from exchanges.simulator.venues.bitex.funding import FundingHandlers
from exchanges.simulator.venues.bitex.generations import GENERATIONS
from exchanges.simulator.venues.bitex.history import sample_history
from exchanges.simulator.venues.bitex.kyc import KycHandlers
from exchanges.simulator.venues.bitex.market import MarketHandlers
from exchanges.simulator.venues.bitex.payments import PaymentHandlers
from exchanges.simulator.venues.bitex.rates import RatesHandlers
from exchanges.simulator.venues.bitex.resellers import ResellerHandlers
from exchanges.simulator.venues.bitex.trading import FEE_PERCENT, TradingHandlers
from exchanges.simulator.venues.calls import Account, Claim, ParsedRequest
from exchanges.simulator.venues.handlers import Handlers
from exchanges.simulator.venues.venue import Exchange


@define(eq=False, slots=False)
class BitexExchange(Exchange):
    """Bitex with a reseller who has sample history, and an ordinary account without any.

    Attributes:
        customers: The accounts.
        kyc: Handlers of profiles.
        funding: Handlers of deposits and withdrawals.
        payments: Handlers of payments.
        concierge: Handlers of work orders.
    """

    # The guide shows forms, and names JSON as an alternative.
    takes_json = True
    venue = Venue.BITEX
    client = Bitex
    matching = MatchingOptions(fee=percent(FEE_PERCENT), spend_in_quote=True, accept_later=True)
    generations = GENERATIONS
    books = (BookSpec(BOOK, "btc", "usd", centre=60_000, tick=Decimal("0.01"), gap=250),)

    customers: Customers = field(init=False)
    kyc: KycHandlers = field(init=False)
    funding: FundingHandlers = field(init=False)
    payments: PaymentHandlers = field(init=False)
    concierge: ConciergeHandlers = field(init=False)

    def create_handlers(self) -> Iterable[Handlers]:
        """Create the handlers of all areas."""
        self.customers = customers = Customers(self.engine, self.seed)
        bots, self.kyc = BotHandlers(customers), KycHandlers(customers)
        self.funding = FundingHandlers(customers, self.kyc, bots)
        self.payments = PaymentHandlers(customers, self.funding)
        self.concierge = ConciergeHandlers(customers, self.funding)
        account, resellers = AccountHandlers(customers, self.funding), ResellerHandlers(customers, self.kyc)
        alone = (MarketHandlers(customers), TradingHandlers(customers), RatesHandlers())
        return (*alone, account, resellers, bots, self.kyc, self.funding, self.payments, self.concierge)

    def open_accounts(self) -> Iterable[Account]:
        """Open both accounts."""
        history, engine = sample_history(self.started_ms, FEE_PERCENT), self.engine
        wallet, email = engine.open_wallet(1, {"usd": history.usd, "btc": history.btc}), "reseller@example.com"
        reseller = BitexAccount(wallet, "simulated-bitex-key", email=email, reseller=True, history=history)
        wallet, email = engine.open_wallet(2, {"usd": Decimal(10_000), "btc": Decimal(1)}), "ordinary@example.com"
        ordinary = BitexAccount(wallet, "simulated-bitex-ordinary-key", email=email)
        return [self.kyc.add_default(self.customers.add(account)) for account in (reseller, ordinary)]

    async def stop(self) -> None:
        """Stop posting."""
        await self.customers.poster.stop()

    def send_btc(self, public_address: str, quantity: Decimal, now_ms: int) -> None:
        """Send coins to an address; to that of a payment, they pay it.

        Raises:
            LookupError: No account has this address.
        """
        account, address = self.funding.find_address(public_address)
        if address.payment_id is None:
            self.funding.receive_btc(account, address, quantity, now_ms)
        else:
            self.payments.pay(address.payment_id, quantity, now_ms)

    def same(self, account: Account) -> Account:
        """Return the account of this copy of the state that corresponds to one of another copy."""
        # Not by key, as users of a reseller have no key of their own.
        refuse_if(account.wallet.owner not in self.customers.by_id, Reason.NOT_FOUND, "as_user")
        return self.customers.by_id[account.wallet.owner]

    def admit(self, parsed: ParsedRequest, claim: Claim) -> Account:
        """Check the key, and return the account for which it acts."""
        account = self.customers.by_id[super().admit(parsed, claim).wallet.owner]
        for_reseller = parsed.endpoint.access is Access.RESELLER
        refuse_if(not account.reseller and (for_reseller or claim.acting_for is not None), Reason.NO_PERMISSION)
        if claim.acting_for is None:
            return account
        user = self._user(claim.acting_for)
        if user is None or user.created_by is not account:
            raise Refused(Reason.NOT_FOUND, "as_user")
        # A reseller acts for a user as that user, who has no such permission.
        refuse_if(for_reseller, Reason.NO_PERMISSION)
        return user

    def _user(self, user_id: str) -> BitexAccount | None:
        return self.customers.by_id.get(int(user_id)) if user_id.isascii() and user_id.isdecimal() else None
