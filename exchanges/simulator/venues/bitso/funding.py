"""Bitso v3: deposits, withdrawals, their methods, and stored receivers."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from functools import partial

from attrs import define, evolve, field

from exchanges import bitso
from exchanges.bitso.funding import Funding
from exchanges.bitso.webhooks import Webhooks
from exchanges.simulator.engine.balances import Cause, Movement
from exchanges.simulator.engine.rejections import Reason, refuse_if
from exchanges.simulator.engine.store import Store
from exchanges.simulator.venues.bitso.trading import rows_behind
from exchanges.simulator.venues.calls import second
from exchanges.simulator.venues.handlers import answers, handles, lists
from exchanges.simulator.venues.spot import SpotCall, SpotHandlers, amount_of
from exchanges.wire import Json, encode

FEES = {"btc": Decimal("0.00002000"), "eth": Decimal("0.00080000"), "xrp": Decimal("0.02000000")}
"""Of a withdrawal, by currency, taken from what is sent; none elsewhere."""
_PROGRESS = (
    (60_000, bitso.WithdrawalStatus.PROCESSING),
    (10 * 60_000, bitso.WithdrawalStatus.COMPLETE),
)
# Code, network, protocol and required fields by currency.
_METHODS = {
    "btc": ("btc", "btc", "btc", ("address",)),
    "eth": ("eth", "eth", "eth", ("address",)),
    "xrp": ("rp", "rp", "ripple", ("address",)),
    "usd": ("bt", "bt", "bt", ("email",)),
    "mxn": ("sp", "sp", "clabe", ("clabe", "beneficiary")),
}
_BANKS = (bitso.Bank(code="40012", name="BBVA"), bitso.Bank(code="40002", name="Banamex"))
_VASPS = (bitso.Vasp(id="did:ethr:0x00000000000000000000000000000000000000a1", name="Simulated Exchange"),)

_WEBHOOK_KEY = (
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA4xkdh1DXL+5w1W4MLw+3q3IK6rJLud9yYm7jDv4hyX4/2WmsfACuhxHPELOPtzsw"
    "ugozqinTkg7dScIHOkIReV4CgdzlPYbuElLn999bhcnvb0cuxoiPWkCAucQYyF2W0eh1Hi4QIxd+nQGJ+taGZpkuP0qAf5Vi58UG3X6DoBXs"
    "fdtb8QuYUYSGSzKP5yzMvJrO1JJAoGakfHx6BJnhDDwBj9yRaKCRxX7L4OdN6yn9Tb0mgbLmliSBSiRbGHsEQY4SuPwCvIxFGi9TXmShPUOe"
    "0mVsFA3PKSwFD1//NL6LC2i3F20H8YdMMDSzxi1QVdZqys9VaGiBNLVQi/ko1wIDAQAB"
)


def identifier(kind: str, number: int) -> str:
    """Return an id of 32 hex digits."""
    return hashlib.sha256(f"{kind} {number}".encode()).hexdigest()[:32]


def deposit_of(movement: Movement) -> bitso.Deposit:
    """Show a deposit."""
    (currency, amount), *_ = movement.amounts.items()
    return bitso.Deposit(
        fid=identifier("funding", movement.id),
        status=bitso.DepositStatus.COMPLETE,
        created_at=second(movement.at_ms),
        currency=currency,
        amount=amount,
        method=_METHODS[currency][0],
        method_name=movement.method or None,
    )


def _method(currency: str) -> bitso.WithdrawalMethod:
    code, network, protocol, required = _METHODS[currency]
    fee = bitso.MethodFee(amount=FEES.get(currency, Decimal("0.00")), type="fixed")
    limits = bitso.MethodLimits(system_min=Decimal("0.00001000"), system_max=Decimal("1000000.00"))
    row = bitso.MethodCurrency(
        currency=currency,
        asset=currency,
        fee=fee,
        limits=limits,
        status=bitso.MethodStatus(type="active", description="Ok"),
    )
    return bitso.WithdrawalMethod(
        method=code,
        network=network,
        protocol=protocol,
        name=code.upper(),
        integration="simulated-v1",
        required_fields=required,
        optional_fields=("origin_id", "max_fee", "destination_tag"),
        currency_configurations=(row,),
    )


@define(eq=False)
class FundingHandlers(SpotHandlers):
    """Deposits and withdrawals of every currency, and stored receivers."""

    _withdrawals: Store[bitso.Withdrawal] = field(init=False, factory=Store[bitso.Withdrawal])
    _contacts: Store[bitso.Contact] = field(init=False, factory=Store[bitso.Contact])

    # Deposits

    def _deposits(self, call: SpotCall) -> list[dict[str, Json]]:
        """List the deposits of the account, newest first."""
        own = [deposit_of(m) for m in reversed(call.wallet.movements) if m.cause is Cause.DEPOSIT]
        return [row for deposit in own if isinstance(row := encode(deposit), dict)]

    @handles(Funding.fundings)
    def fundings(self, call: SpotCall) -> object:
        """List a page of deposits."""
        return rows_behind(_filtered(self._deposits(call), call, "fids", "fid"), call, "fid")

    @handles(Funding.funding)
    def funding(self, call: SpotCall) -> object:
        """Return a list of one deposit."""
        found = [row for row in self._deposits(call) if row["fid"] == call.arguments.text("fid")]
        refuse_if(not found, Reason.NOT_FOUND, "fid")
        return found

    @handles(Funding.funding_destination)
    def funding_destination(self, call: SpotCall) -> object:
        """Return where the account receives a currency."""
        currency = call.arguments.text("fund_currency")
        refuse_if(currency not in _METHODS, Reason.WRONG_ARGUMENT, "fund_currency")
        identifier_text = f"{currency}{call.owner}simulatedbitsoaddress"
        if currency == "xrp":
            identifier_text += f"?dt={call.owner}"
        return bitso.FundingDestination(
            account_identifier_name=f"{currency.upper()} address", account_identifier=identifier_text
        )

    # Withdrawals

    def _rows(self, call: SpotCall) -> list[dict[str, Json]]:
        """List the withdrawals of the account, newest first."""
        return [row for one in self._withdrawals.of(call.owner) if isinstance(row := encode(one), dict)]

    @handles(Funding.withdrawals)
    def withdrawals(self, call: SpotCall) -> object:
        """List a page of withdrawals."""
        rows = self._rows(call)
        for plural, name in (("wids", "wid"), ("origin_ids", "origin_id")):
            if plural in call.arguments.values:
                return [row for row in rows if row.get(name) in call.arguments.text(plural).split(",")]
        return rows_behind(_filtered(rows, call, "", ""), call, "wid")

    @handles(Funding.withdrawal)
    def withdrawal(self, call: SpotCall) -> object:
        """Return a list of one withdrawal."""
        found = [row for row in self._rows(call) if row["wid"] == call.arguments.text("wid")]
        refuse_if(not found, Reason.NOT_FOUND, "wid")
        return found

    withdrawal_methods = lists(
        Funding.withdrawal_methods,
        lambda _, call: [c for c in _METHODS if c == call.arguments.text("currency")],
        _method,
    )

    @handles(Funding.create_withdrawal)
    def create_withdrawal(self, call: SpotCall) -> object:
        """Debit a withdrawal, which is sent later. A client's id creates one withdrawal, ever."""
        arguments = call.arguments
        currency, amount = arguments.text("currency").lower(), amount_of(call, "amount")
        refuse_if(currency not in _METHODS, Reason.WRONG_ARGUMENT, "currency")
        client_id = arguments.text("origin_id", "")
        used = [w for w in self._withdrawals.of(call.owner) if w.origin_id == client_id]
        refuse_if(client_id and used, Reason.TAKEN, "origin_id")
        fee = FEES.get(currency, Decimal(0))
        refuse_if("max_fee" in arguments.values and fee > arguments.decimal("max_fee"), Reason.COSTS_TOO_MUCH)
        movement = self.engine.withdraw(call.wallet, currency, amount, call.now_ms, method=_METHODS[currency][0])
        names = ("address", "destination_tag", "clabe", "beneficiary", "notes_ref", "numeric_ref", "email")
        given = {name: arguments.words(name) for name in names}
        withdrawal = bitso.Withdrawal(
            wid=identifier("withdrawal", movement.id),
            status=bitso.WithdrawalStatus.PENDING,
            created_at=second(call.now_ms),
            currency=currency,
            amount=amount,
            method=_METHODS[currency][0],
            origin_id=client_id or None,
            details={name: value for name, value in given.items() if value is not None},
        )
        self._withdrawals.put(call.owner, withdrawal.wid, withdrawal)
        for after_ms, status in _PROGRESS:
            self.engine.scheduler.at(call.now_ms + after_ms, partial(self._progress, withdrawal.wid, status))
        return withdrawal

    def _progress(self, wid: str, status: bitso.WithdrawalStatus, _: int) -> None:
        self._withdrawals.change(wid, status=status)

    # Lists of names

    mx_bank_codes = answers(Funding.mx_bank_codes, lambda _, __: list(_BANKS))
    banks = answers(Funding.banks, lambda _, __: list(_BANKS))
    vasps = answers(Funding.vasps, lambda _, __: list(_VASPS))

    # Stored receivers

    @handles(Funding.contacts)
    def contacts(self, call: SpotCall) -> object:
        """List the stored receivers that match."""
        wanted = {name: call.arguments.words(name) for name in ("alias", "currency")}
        return [
            contact
            for contact in self._contacts.of(call.owner)
            if all(value in (None, getattr(contact, name)) for name, value in wanted.items())
        ]

    @handles(Funding.create_contact)
    def create_contact(self, call: SpotCall) -> object:
        """Store a receiver."""
        arguments, number = call.arguments, self._contacts.next_id()
        given = arguments.fields("details")
        contact = bitso.Contact(
            contact_id=str(number),
            alias=arguments.text("alias"),
            currency=arguments.text("currency"),
            taxonomy=bitso.ContactTaxonomy(**{k: str(v) for k, v in arguments.fields("taxonomy").items()}),
            details=tuple(bitso.ContactDetail(key=key, value=str(value)) for key, value in given.items()),
            created=second(call.now_ms),
        )
        return evolve(self._contacts.put(call.owner, number, contact))

    @handles(Funding.delete_contact)
    def delete_contact(self, call: SpotCall) -> object:
        """Forget a receiver."""
        self._contacts.remove(call.owner, call.arguments.integer("contact_id"))
        return {}


class WebhookHandlers(SpotHandlers):
    """Registration, and a key whose private half nobody has: nothing is posted."""

    register = answers(Webhooks.register, lambda _, call: f"Webhook registered: {call.arguments.text('callback_url')}")
    public_keys = answers(
        Webhooks.public_keys, lambda _, __: [bitso.WebhookKey(key_id="simulated", public_key=_WEBHOOK_KEY)]
    )


def _filtered(rows: list[dict[str, Json]], call: SpotCall, plural: str, name: str) -> list[dict[str, Json]]:
    """Return the rows that the filters of a list select."""
    if plural and plural in call.arguments.values:
        return [row for row in rows if row[name] in call.arguments.text(plural).split(",")]
    wanted = {key: call.arguments.words(key) for key in ("status", "method", "currency")}
    return [row for row in rows if all(value in (None, row[key]) for key, value in wanted.items())]
