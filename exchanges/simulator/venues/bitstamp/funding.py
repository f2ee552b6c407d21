"""Bitstamp v2: deposits, withdrawals and transfers."""

from __future__ import annotations

from decimal import Decimal
from functools import partial

from attrs import define, field

from exchanges import bitstamp
from exchanges.bitstamp.funding import Funding
from exchanges.simulator.engine.balances import Cause
from exchanges.simulator.engine.rejections import Reason, Refused, refuse_if
from exchanges.simulator.engine.store import Store
from exchanges.simulator.venues.calls import second
from exchanges.simulator.venues.handlers import answers, handles, lists
from exchanges.simulator.venues.spot import BLOCK_MS, SpotCall, SpotHandlers, amount_of

_PROGRESS = (
    (10 * 60_000, bitstamp.WithdrawalStatus.IN_PROCESS),
    (60 * 60_000, bitstamp.WithdrawalStatus.FINISHED),
)
_TYPES = {"btc": 1, "xrp": 14, "eth": 16, "usd": 2, "eur": 0}
OK = {"status": "ok"}


@define(eq=False)
class FundingHandlers(SpotHandlers):
    """Coins and money, in and out."""

    _requests: Store[bitstamp.WithdrawalRequest] = field(init=False, factory=Store[bitstamp.WithdrawalRequest])
    _converting: Store[bitstamp.InstantConvertAddressInfo] = field(
        init=False, factory=Store[bitstamp.InstantConvertAddressInfo]
    )

    # Withdrawals

    def _withdraw(self, call: SpotCall, currency: str, network: str | None, address: str) -> str:
        """Debit a withdrawal, which is sent later; return its id."""
        amount = amount_of(call, "amount")
        self.engine.withdraw(call.wallet, currency, amount, call.now_ms, method=network or currency)
        number = self._requests.next_id()
        request = bitstamp.WithdrawalRequest(
            id=str(number),
            datetime=call.now,
            type=_TYPES.get(currency, 20),
            amount=amount,
            status=bitstamp.WithdrawalStatus.OPEN,
            currency=currency.upper(),
            network=network,
            address=address,
        )
        self._requests.put(call.owner, number, request)
        for after_ms, status in _PROGRESS:
            self.engine.scheduler.at(call.now_ms + after_ms, partial(self._progress, number, status))
        return str(number)

    def _progress(self, number: int, status: bitstamp.WithdrawalStatus, _: int) -> None:
        if self._requests.find(number).status is not bitstamp.WithdrawalStatus.CANCELED:
            self._requests.change(number, status=status)

    @handles(Funding.crypto_withdrawal)
    def crypto_withdrawal(self, call: SpotCall) -> object:
        """Withdraw coins."""
        arguments = call.arguments
        address, tag = arguments.text("address"), arguments.words("destination_tag")
        shown = address if tag is None else f"{address}?dt={tag}"
        currency = arguments.text("currency").lower()
        network = arguments.text("network", "bitcoin" if currency == "btc" else currency)
        return bitstamp.Withdrawal(id=self._withdraw(call, currency, network, shown))

    @handles(Funding.ripple_withdrawal)
    def ripple_withdrawal(self, call: SpotCall) -> object:
        """Withdraw a claim over the XRP Ledger."""
        currency = call.arguments.text("currency").lower()
        return bitstamp.Withdrawal(id=self._withdraw(call, currency, "xrpl", call.arguments.text("address")))

    @handles(Funding.open_bank_withdrawal)
    def open_bank_withdrawal(self, call: SpotCall) -> object:
        """Withdraw money to a bank."""
        currency = call.arguments.text("account_currency").lower()
        return bitstamp.BankWithdrawal(withdrawal_id=self._withdraw(call, currency, None, call.arguments.text("iban")))

    @handles(Funding.withdrawal_requests)
    def withdrawal_requests(self, call: SpotCall) -> object:
        """List withdrawals, newest first."""
        arguments = call.arguments
        rows = self._requests.of(call.owner)
        if "withdrawal_id" in arguments.values:
            rows = [row for row in rows if row.id == str(arguments.integer("withdrawal_id"))]
        if "timedelta" in arguments.values:
            since = second(call.now_ms - arguments.integer("timedelta") * 1000)
            rows = [row for row in rows if row.datetime >= since]
        offset = arguments.integer("offset", 0)
        return rows[offset : offset + arguments.integer("limit", 1000)]

    def _request(self, call: SpotCall) -> bitstamp.WithdrawalRequest:
        number = call.arguments.integer("withdrawal_id")
        return self._requests.get(call.owner, number, f"No active bank withdrawal with id {number}.")

    @handles(Funding.fiat_withdrawal_status)
    def fiat_withdrawal_status(self, call: SpotCall) -> object:
        """Return the status of a withdrawal in words."""
        return bitstamp.FiatWithdrawalStatus(status=self._request(call).status.name.title())

    @handles(Funding.cancel_withdrawal)
    def cancel_withdrawal(self, call: SpotCall) -> object:
        """Cancel a withdrawal that is not in process yet."""
        request = self._request(call)
        if request.status is not bitstamp.WithdrawalStatus.OPEN:
            raise Refused(Reason.NOT_FOUND, text=f"No active bank withdrawal with id {request.id}.")
        currency = (request.currency or "").lower()
        self._requests.change(int(request.id), status=bitstamp.WithdrawalStatus.CANCELED)
        self.engine.credit(call.wallet, currency, request.amount, call.now_ms, "cancelled withdrawal")
        return bitstamp.CancelledWithdrawal(
            id=request.id, amount=request.amount, currency=request.currency, account_currency=request.currency
        )

    # Deposits

    @handles(Funding.crypto_deposit_address)
    def crypto_deposit_address(self, call: SpotCall) -> object:
        """Return where coins are received."""
        currency = call.arguments.text("currency").lower()
        address = call.account.deposit_address if currency == "btc" else f"{currency}{call.owner}address"
        tag = str(call.owner) if currency == "xrp" else None
        return bitstamp.DepositAddress(address=address, destination_tag=tag)

    ripple_address = answers(
        Funding.ripple_address, lambda _, call: bitstamp.RippleAddress(address=call.account.ripple_address)
    )
    btc_unconfirmed = lists(
        Funding.btc_unconfirmed,
        lambda _, call: [
            bitstamp.UnconfirmedDeposit(
                amount=deposit.amount,
                address=call.account.deposit_address,
                confirmations=(call.now_ms - deposit.sent_ms) // BLOCK_MS,
            )
            for deposit in call.wallet.incoming
            if deposit.currency == "btc"
        ],
    )

    @handles(Funding.crypto_transactions)
    def crypto_transactions(self, call: SpotCall) -> object:
        """List deposits and withdrawals of coins, newest first."""
        limit, offset = call.arguments.integer("limit", 100), call.arguments.integer("offset", 0)
        deposits = [
            bitstamp.ListedDeposit(
                id=str(m.id),
                currency=name.upper(),
                amount=amount,
                datetime=second(m.at_ms),
                status=bitstamp.DepositStatus.FINALIZED,
            )
            for m in reversed(call.wallet.movements)
            if m.cause is Cause.DEPOSIT
            for name, amount in m.amounts.items()
        ]
        withdrawals = [
            bitstamp.ListedWithdrawal(
                currency=row.currency or "",
                amount=row.amount,
                datetime=row.datetime,
                network=row.network,
                txid="",
                destinationAddress=row.address,
            )
            for row in self._requests.of(call.owner)
            if row.network is not None
        ]
        page = slice(offset, offset + limit)
        return bitstamp.CryptoTransactions(deposits=tuple(deposits[page]), withdrawals=tuple(withdrawals[page]))

    @handles(Funding.crypto_deposits)
    def crypto_deposits(self, call: SpotCall) -> object:
        """List deposits of coins, newest first."""
        wanted = call.arguments.text("status", "FINALIZED") == "FINALIZED"
        rows = [
            bitstamp.CryptoDeposit(
                id=str(m.id),
                currency=name.upper(),
                amount=amount,
                datetime=second(m.at_ms),
                status=bitstamp.DepositStatus.FINALIZED,
            )
            for m in reversed(call.wallet.movements)
            if m.cause is Cause.DEPOSIT and wanted
            for name, amount in m.amounts.items()
        ]
        offset = call.arguments.integer("offset", 0)
        return rows[offset : offset + call.arguments.integer("limit", 100)]

    def _require_deposit(self, call: SpotCall) -> None:
        known = {str(m.id) for m in call.wallet.movements if m.cause is Cause.DEPOSIT}
        refuse_if(call.arguments.text("deposit_id") not in known, Reason.NOT_FOUND, text="Deposit not found")

    @handles(Funding.update_deposit_originator)
    def update_deposit_originator(self, call: SpotCall) -> object:
        """Accept what is said of a deposit."""
        self._require_deposit(call)
        return None

    @handles(Funding.reject_crypto_deposit)
    def reject_crypto_deposit(self, call: SpotCall) -> object:
        """Send a deposit back."""
        self._require_deposit(call)
        movement = next(m for m in call.wallet.movements if str(m.id) == call.arguments.text("deposit_id"))
        ((currency, amount),) = movement.amounts.items()
        self.engine.withdraw(call.wallet, currency, amount, call.now_ms, method="rejected deposit")
        return None

    # Addresses where bitcoins are sold

    @handles(Funding.new_instant_convert_address)
    def new_instant_convert_address(self, call: SpotCall) -> object:
        """Create an address."""
        number = self._converting.next_id()
        address, currency = f"3Converting{number}Address", call.arguments.text("liquidation_currency").upper()
        info = bitstamp.InstantConvertAddressInfo(address=address, currency_pair=f"BTC/{currency}", transactions=())
        self._converting.put(call.owner, number, info)
        return bitstamp.InstantConvertAddress(address=address)

    instant_convert_address_info = lists(
        Funding.instant_convert_address_info,
        lambda self, call: [
            info
            for info in self._converting.of(call.owner)
            if call.arguments.text("address", info.address) == info.address
        ],
    )

    # Transfers: there are no sub accounts here, so money comes back to where it was.

    def _transfer(self, call: SpotCall) -> object:
        currency, amount = call.arguments.text("currency").lower(), amount_of(call, "amount")
        held = call.wallet.balances.get(currency)
        if held is None or amount > held.available:
            available = Decimal(0) if held is None else held.available
            raise Refused(Reason.NO_FUNDS, currency, f"You have only {available} {currency.upper()} available.")
        return dict(OK)

    transfer_to_main = answers(Funding.transfer_to_main, lambda self, call: self._transfer(call))
    transfer_from_main = answers(Funding.transfer_from_main, lambda self, call: self._transfer(call))
