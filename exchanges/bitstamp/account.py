"""Private calls for the account, by v2."""

from __future__ import annotations

from exchanges.bitstamp.api import V2
from exchanges.bitstamp.arguments import CurrencyCode, Moment, Offset, PageSize, Symbol
from exchanges.bitstamp.models.account import (
    AccountBalance,
    RevokedApiKeys,
    SortOrder,
    SortOrderWord,
    TradingFee,
    TradingMarket,
    UserTransaction,
    WebsocketsToken,
    WithdrawalFee,
)
from exchanges.endpoint import IDEMPOTENT, READ, WRITE, Area, private
from exchanges.endpoint.contradictions import fault_of_balance, fault_of_balances
from exchanges.endpoint.markers import Pages

PAGE_SIZE = 1000


class Account(Area, api=V2):
    """The account whose key it is: the main account or one sub account."""

    @private("POST /account_balances/", kind=READ, fault=fault_of_balances)
    async def account_balances(self) -> list[AccountBalance]:
        """Balances of every currency, most of them zero.

        Returns:
            Wire: list of objects.

        Source:
            Bitstamp API v2, Account balances, "Get account balances".
        """
        ...

    @private("POST /account_balances/{currency}/", kind=READ, fault=fault_of_balance)
    async def account_balance(self, currency: CurrencyCode) -> AccountBalance:
        """Balance of one currency.

        Args:
            currency: In lower case, such as btc.

        Returns:
            Wire: object.

        Source:
            Bitstamp API v2, Account balances, "Get account balance for currency".
        """
        ...

    @private("POST /fees/trading/", kind=READ)
    async def trading_fees(self) -> list[TradingFee]:
        """Fees of trading in every market.

        Returns:
            Wire: list of objects.

        Source:
            Bitstamp API v2, Fees, "Get all trading fees".
        """
        ...

    @private("POST /fees/trading/{market}/", kind=READ)
    async def trading_fee(self, market: Symbol) -> TradingFee:
        """Fees of trading in one market.

        Args:
            market: Symbol, such as btcusd.

        Returns:
            Wire: object.

        Source:
            Bitstamp API v2, Fees, "Get trading fee for market".
        """
        ...

    @private("POST /fees/withdrawal/", kind=READ)
    async def withdrawal_fees(self) -> list[WithdrawalFee]:
        """Fees of withdrawals, one for each currency and network.

        Returns:
            Wire: list of objects.

        Source:
            Bitstamp API v2, Fees, "Get all withdrawal fees".
        """
        ...

    @private("POST /fees/withdrawal/{currency}/", kind=READ)
    async def withdrawal_fee(self, currency: CurrencyCode, *, network: str | None = None) -> WithdrawalFee:
        """Fee of a withdrawal of one currency.

        Args:
            currency: In lower case, such as btc.
            network: Such as bitcoin. None: not sent; the exchange uses the main network.

        Returns:
            Wire: object.

        Source:
            Bitstamp API v2, Fees, "Get withdrawal fee for currency".
        """
        ...

    @private("POST /user_transactions/", kind=READ)
    async def user_transactions(
        self,
        *,
        offset: Offset = None,
        limit: PageSize = None,
        sort: SortOrder | SortOrderWord | None = None,
        since_timestamp: Moment = None,
        until_timestamp: Moment = None,
        since_id: str | None = None,
    ) -> list[UserTransaction]:
        """Trades, deposits, withdrawals and transfers of the account.

        Args:
            offset: Rows to leave out, 0 to 200,000. None: not sent; the exchange uses 0.
            limit: Length of the list, 1 to 1,000. None: not sent; the exchange uses 100.
            sort: By time. None: not sent; the exchange uses DESC, newest first.
            since_timestamp: Not before, at most 30 days ago: a moment with a zone, or seconds since 1970.
            until_timestamp: Not after, as *since_timestamp*.
            since_id: `UserTransaction.id`: from this one on, itself included. The exchange then uses a limit of 1,000.

        Returns:
            Wire: list of objects with a key per currency and per pair.

        Source:
            Bitstamp API v2, User transactions, "Get user transactions".
        """
        ...

    @private("POST /user_transactions/{market}/", kind=READ)
    async def user_transactions_for_market(
        self,
        market: Symbol,
        *,
        offset: Offset = None,
        limit: PageSize = None,
        sort: SortOrder | SortOrderWord | None = None,
        since_timestamp: Moment = None,
        until_timestamp: Moment = None,
        since_id: str | None = None,
    ) -> list[UserTransaction]:
        """Trades of the account in one market.

        Args:
            market: Symbol, such as btcusd.
            offset: As in `user_transactions`.
            limit: As in `user_transactions`.
            sort: As in `user_transactions`.
            since_timestamp: As in `user_transactions`.
            until_timestamp: As in `user_transactions`.
            since_id: As in `user_transactions`.

        Returns:
            Wire: list of objects with a key per currency and per pair.

        Source:
            Bitstamp API v2, User transactions, "Get user transactions for market".
        """
        ...

    # Quirk: one document has GET; live servers answer POST alone.
    @private("POST /my_markets/", kind=READ)
    async def my_markets(self) -> list[TradingMarket]:
        """Markets in which the account may trade.

        Returns:
            Wire: list of objects.

        Source:
            Bitstamp API v2, Market info, "Get my markets".
        """
        ...

    # Another token does no harm: each is good for a minute.
    @private("POST /websockets_token/", kind=IDEMPOTENT)
    async def websockets_token(self) -> WebsocketsToken:
        """Create a secret that opens private channels of the stream.

        Returns:
            Wire: object.

        Source:
            Bitstamp API v2, WebSockets, "Get WebSockets token".
        """
        ...

    @private("POST /revoke_all_api_keys/", kind=WRITE, notice="every API key of this account is revoked")
    async def revoke_all_api_keys(self) -> RevokedApiKeys:
        """Revoke every API key of the account, the one that asks included.

        Returns:
            Wire: object with the list of keys.

        Source:
            Bitstamp API v2, API keys, "Revoke all API keys".
        """
        ...

    def every_user_transactions(self, *, marker: str | None = None) -> Pages[UserTransaction]:
        """Iterate over all transactions, oldest first, each once, up to the newest.

        A page is read when the iteration reaches it, as one call.

        Args:
            marker: `UserTransaction.id`, or `Pages.marker` of an earlier iteration: begin behind it.
        """

        async def read(behind: str | None) -> list[UserTransaction]:
            rows = await self.user_transactions(since_id=behind, limit=PAGE_SIZE, sort=SortOrder.ASC)
            # The exchange begins with the row that is named.
            return [row for row in rows if row.id != behind]

        return Pages(read, lambda row: row.id, marker=marker)
