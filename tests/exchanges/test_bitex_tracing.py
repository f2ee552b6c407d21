"""How each search judges single rows; what they find at the simulator stands in `test_bitex_searches`."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve

from exchanges.bitex import (
    Address,
    Currency,
    DepositMethod,
    KycFile,
    Payment,
    ResellerUser,
    SpecieWithdrawal,
    UsdDeposit,
    UsdWithdrawal,
    WorkOrderRequest,
    WorkOrderRequests,
    WorkOrderStatus,
)
from exchanges.bitex.reconcile import SEARCHES
from exchanges.intents import Intent
from exchanges.outcomes.search import Query
from exchanges.wire import dumps
from tests.support.bitex_rows import (
    AT,
    BOT,
    DEPOSIT,
    FILE,
    GONE,
    PAYMENT,
    WITHDRAWAL,
    WORK_ORDER,
    documented,
    intent_of,
    judge,
    verdicts,
)


class TestTheGuide:
    """What the guide prints, found with the arguments that would have made it."""

    @pytest.mark.parametrize(
        ("intent", "lists", "sure"),
        [
            (intent_of("trading.create_bid", amount=100, price=1000), ["trading.orders"], True),
            (intent_of("trading.create_bid", amount=100, price=1000), ["account.account_summary"], True),
            (intent_of("trading.create_ask", amount=100, price=1000), ["trading.orders"], True),
            (intent_of("trading.create_ask", amount=100, price=1000), ["account.account_summary"], True),
            (
                intent_of("bots.create_buying_bot", amount=1000, chunk_size=1, time_to_live=20),
                ["bots.buying_bots"],
                True,
            ),
            (BOT, ["bots.selling_bots"], True),
            (DEPOSIT, ["funding.usd_deposits"], False),  # the sample names another method
            (
                intent_of("funding.create_usd_withdrawal", amount=100, withdrawal_instruction_id=1),
                ["funding.usd_withdrawals"],
                False,
            ),
            (intent_of("funding.create_address"), ["funding.addresses"], False),
            (evolve(WITHDRAWAL, tag="my wallet"), ["funding.btc_withdrawals"], True),
            (
                intent_of("payments.create_payment", currency_id=1, amount=100, merchant_reference=None),
                ["payments.payments"],
                False,
            ),
            (
                intent_of("kyc.create_profile", usage_tier="micro", birth_date="1970-01-30", nationality="Brazilian"),
                ["kyc.profiles"],
                False,
            ),
            (FILE, ["kyc.profile_files"], False),
            (intent_of("resellers.create_user", email="billy@example.com", password="x"), ["resellers.users"], False),
        ],
        ids=lambda value: value.endpoint if isinstance(value, Intent) else None,
    )
    def test_rows(self, intent, lists, sure):
        """A documented row is found once, and is sure where it says all that was asked for."""
        rows = {name.rpartition(".")[2]: documented(name) for name in lists}
        matches = judge(intent, **rows)

        assert [sure] == [c.sure for c in matches.candidates]

    def test_work_order(self):
        """The documented work order is found, with its parts in any order."""
        orders = documented("concierge.work_order_requests")
        mine = evolve(orders[0], updated_at=AT)

        assert ([True], True) == verdicts(judge(WORK_ORDER, work_order_requests=WorkOrderRequests((mine,))))


@pytest.mark.parametrize("name", sorted(SEARCHES))
def test_no_such_list(name):
    """A search whose lists the exchange does not know is not whole, and finds nothing."""
    intent = Intent(name, {"kyc_profile_id": "7", "amount": "1", "price": "1"}, AT)
    query, answers = Query(intent, AT, AT, timedelta()), {}
    while (matches := SEARCHES[name].find(query, answers)).more:
        answers.update(dict.fromkeys(matches.more, GONE))

    assert ([], False) == verdicts(matches)


class TestTransfers:
    @pytest.mark.parametrize(
        ("changes", "arguments", "sure"),
        [
            ({"request_details": None}, {}, [True]),
            ({}, {}, [False]),
            ({}, {"request_details": "secret"}, [False]),
            ({"request_details": None, "deposit_method": DepositMethod.MORE_MT}, {}, [False]),
            ({"requested_amount": None}, {}, []),
            ({"request_details": None}, {"deposit_method": "pigeon"}, [False]),
        ],
    )
    def test_deposits(self, changes, arguments, sure):
        """Remarks are a secret and cannot be compared, and a method bears another name in the answer."""
        (row,) = documented("funding.usd_deposits")
        row = evolve(row, **{"deposit_method": DepositMethod.OTHER, "kyc_profile_id": None, **changes})
        told = {"country": "UY", "amount": 100, "currency": "UYU", "deposit_method": "bank", **arguments}
        matches = judge(intent_of("funding.create_usd_deposit", **told), usd_deposits=[row])

        assert sure == [c.sure for c in matches.candidates]

    @pytest.mark.parametrize(
        ("profile", "main", "sure"),
        [(None, GONE, True), (None, None, True), (1, GONE, False), (12345678, None, True), (2, None, False)],
    )
    def test_main_profile(self, profile, main, sure):
        """Where no profile was named it must be the main one."""
        (row,) = documented("funding.btc_withdrawals")
        row = evolve(row, label=None, kyc_profile_id=profile)
        matches = judge(WITHDRAWAL, btc_withdrawals=[row], default_profile=main or documented("kyc.default_profile"))

        assert [sure] == [c.sure for c in matches.candidates]

    @pytest.mark.parametrize(
        ("changes", "found"),
        [
            ({"label": "aio-1"}, [(True, True)]),
            ({"label": "aio-1", "quantity": Decimal(7)}, [(False, True)]),
            ({"label": "aio-1", "created_at": AT - timedelta(days=1)}, [(False, True)]),
            ({"label": None}, [(False, False)]),
            ({"label": "aio-2"}, []),
            ({"label": "cold"}, []),
            ({"label": "aio-1", "specie": 2, "to_address": "1other"}, [(False, True)]),
        ],
    )
    def test_tags(self, changes, found):
        """The tag decides, whatever else is shown; nothing is sure without it, and another text is another's."""
        (row,) = documented("funding.btc_withdrawals")
        row = evolve(row, **{"kyc_profile_id": None, **changes})
        matches = judge(evolve(WITHDRAWAL, tag="aio-1"), btc_withdrawals=[row])

        assert found == [(c.sure, c.tagged) for c in matches.candidates]

    def test_other_coins(self):
        """A withdrawal of other coins is none of bitcoins."""
        (row,) = documented("funding.btc_withdrawals")

        assert () == judge(WITHDRAWAL, btc_withdrawals=[evolve(row, label=None, specie=2)]).candidates

    def test_a_tag_needs_no_more(self):
        """Where the tag is found, nobody's profile is read."""
        reads: list[str] = []
        (row,) = documented("funding.btc_withdrawals")
        judge(evolve(WITHDRAWAL, tag="my wallet"), reads=reads, btc_withdrawals=[row])

        assert ["bitex.funding.btc_withdrawals"] == reads

    @pytest.mark.parametrize("kind", [UsdDeposit, UsdWithdrawal, SpecieWithdrawal])
    @pytest.mark.parametrize(("age", "whole"), [(timedelta(days=29), True), (timedelta(days=30), False)])
    def test_how_long_transfers_show(self, kind, age, whole):
        """What is older than 30 days shows no more."""
        names = {UsdDeposit: "create_usd_deposit", UsdWithdrawal: "create_usd_withdrawal"}
        intent = Intent(f"bitex.funding.{names.get(kind, 'create_btc_withdrawal')}", {}, AT)

        assert ([], whole) == verdicts(judge(intent, until=age.total_seconds()))

    def test_addresses(self):
        """Neither the first address of an account nor those of payments were made by a call of ours."""
        listed = [Address("1first", auto_sell=False), Address("1payment", auto_sell=False, payment_id=1)]
        profile = evolve(documented("account.profile"), btc_deposit_address="1first")
        mine = Address("1mine", auto_sell=False)
        matches = judge(intent_of("funding.create_address"), addresses=[mine, *listed], profile=profile)

        assert [("1mine", False)] == [(c.id, c.sure) for c in matches.candidates]


class TestPayments:
    def quoted(self, **changes: Any) -> Payment:
        """A payment as it is made by the call."""
        (payment,) = documented("payments.payments")
        facts = {
            "currency_id": Currency.USD,
            "last_quoted_on": AT,
            "valid_until": AT + timedelta(hours=1),
            "previous_expected_quantity": None,
            "merchant_reference": "m",
            "keep": None,
        }
        return evolve(payment, **{**facts, **changes})

    @pytest.mark.parametrize(
        ("changes", "found"),
        [
            ({}, [(AT, True)]),
            ({"keep": Decimal(0)}, [(AT, True)]),
            ({"keep": Decimal(5)}, [(AT, False)]),
            ({"customer_reference": "his own words"}, [(AT, False)]),
            ({"previous_expected_quantity": Decimal("0.02")}, [(None, False)]),
            ({"valid_until": AT + timedelta(hours=2)}, [(None, False)]),
            ({"valid_until": AT - timedelta(seconds=7)}, [(None, False)]),
            ({"valid_until": AT - timedelta(days=2)}, []),
            ({"last_quoted_on": None}, [(None, False)]),
            ({"merchant_reference": None}, [(AT, False)]),
            ({"merchant_reference": "another"}, []),
        ],
    )
    def test_as_it_is_made(self, changes, found):
        """A payment says when it was made only as long as its first quote is its last."""
        matches = judge(PAYMENT, payments=[self.quoted(**changes)])

        assert found == [(c.at, c.sure) for c in matches.candidates]

    @pytest.mark.parametrize(
        ("arguments", "sure"),
        [
            ({"customer_reference": "a latte"}, [False]),
            ({"callback_url": "https://example.com/"}, [False]),
            ({"keep": 5}, [False]),
            ({"currency_id": 4}, []),
        ],
    )
    def test_what_was_sent(self, arguments, sure):
        """No read shows where a payment is posted to, and the customer may change his reference."""
        sent = {"currency_id": 3, "amount": 100, "merchant_reference": "m", **arguments}
        payment = self.quoted(customer_reference=arguments.get("customer_reference") and "his own words")
        matches = judge(intent_of("payments.create_payment", **sent), payments=[payment])

        assert sure == [c.sure for c in matches.candidates]

    def test_keeping_in_btc(self):
        """What is to be kept has no effect in BTC, and is not compared."""
        intent = intent_of("payments.create_payment", currency_id=1, amount=100, keep=25, merchant_reference="m")
        payment = self.quoted(currency_id=Currency.BTC, keep=Decimal(100))

        assert ([True], True) == verdicts(judge(intent, payments=[payment]))

    @pytest.mark.parametrize(("hours", "whole"), [(1, False), (-1, True)])
    def test_a_full_list(self, hours, whole):
        """A list that was cut is all there is only if its last payments expired before the call."""
        last = self.quoted(valid_until=AT + timedelta(hours=hours), merchant_reference="another")

        assert whole is judge(PAYMENT, payments=[*[self.quoted()] * 495, *[last] * 5]).complete


class TestWorkOrders:
    def judged(self, **changes: Any):
        """What is said of the guide's order, changed."""
        order: WorkOrderRequest = evolve(documented("concierge.work_order_requests")[0], updated_at=AT)
        return judge(WORK_ORDER, work_order_requests=WorkOrderRequests((evolve(order, **changes),))).candidates

    @pytest.mark.parametrize(
        ("changes", "found"),
        [
            ({"status": WorkOrderStatus.DONE}, [(None, False)]),
            ({"updated_at": AT + timedelta(hours=1)}, [(None, False)]),
            ({"updated_at": AT - timedelta(hours=1)}, [(None, False)]),
            ({"updated_at": AT - timedelta(days=2)}, []),
            ({"should_confirm_quote": True}, [(AT, False)]),
            ({"payer_id": 2}, []),
            ({"inputs": ()}, []),
        ],
    )
    def test_as_it_is_made(self, changes, found):
        """A work order that was changed no more says when it was made."""
        assert found == [(c.at, c.sure) for c in self.judged(**changes)]

    def test_parts_count(self):
        """Each part that was sent is one that is shown, and the other way round."""
        first, second = documented("concierge.work_order_requests")[0].outputs
        twins = {"outputs": dumps([{"amount": 100, "country": "US"}] * 2).decode()}
        intent = evolve(WORK_ORDER, arguments={**WORK_ORDER.arguments, **twins})
        order = evolve(documented("concierge.work_order_requests")[0], updated_at=AT)
        twice = judge(intent, work_order_requests=WorkOrderRequests((order,)))

        assert ((), []) == (twice.candidates, [c.sure for c in self.judged(outputs=(first, second, second))])

    def test_parts_that_are_not_shown(self):
        """A part that the document names and does not include cannot be compared."""
        (part,) = documented("concierge.work_order_requests")[0].inputs
        bare = evolve(part, amount=None, country=None, currency=None)

        assert [False] == [c.sure for c in self.judged(inputs=(bare,))]

    def test_parts_that_cannot_be_read(self):
        """Parts that the intent does not tell in JSON cannot be compared."""
        order = evolve(documented("concierge.work_order_requests")[0], updated_at=AT)
        intent = evolve(WORK_ORDER, arguments={**WORK_ORDER.arguments, "inputs": "[{'amount': Decimal('1000')}]"})

        assert ([False], True) == verdicts(judge(intent, work_order_requests=WorkOrderRequests((order,))))


class TestCustomers:
    @pytest.mark.parametrize(
        ("arguments", "count"),
        [
            ({}, 1),
            ({"first_name": "Anybody"}, 1),  # a secret is not compared
            ({"gender": " Male "}, 1),
            ({"gender": "female"}, 0),
            ({"legal_entity": False}, 0),
        ],
    )
    def test_profiles(self, arguments, count):
        """A profile is compared by what may be told of it."""
        intent = intent_of("kyc.create_profile", usage_tier="micro", **arguments)

        assert [False] * count == [c.sure for c in judge(intent, profiles=documented("kyc.profiles")).candidates]

    @pytest.mark.parametrize(
        ("document", "count"), [(None, 1), ('{"size": 10000}', 1), ('{"size": 10001}', 0), ("10000 bytes", 1)]
    )
    def test_files(self, document, count):
        """A file is compared by its size, where the intent tells it."""
        arguments = {"kyc_profile_id": "1"} if document is None else {"kyc_profile_id": "1", "document": document}
        rows = [KycFile(1, 1, "http://..", "a.png", "image/png", 10000), KycFile(2, 9, "", "", "image/png", 10000)]

        assert count == len(judge(evolve(FILE, arguments=arguments), profile_files=rows).candidates)

    @pytest.mark.parametrize(
        ("emails", "found"),
        [
            ([], ([], True)),
            (["ANA@example.com"], ([False], True)),
            (["ben@example.com"], ([], False)),
            (["ben@example.com", "cem@example.com"], ([], True)),
        ],
    )
    def test_users(self, emails, found):
        """One user alone may be all that the guide's flat row holds of many."""
        users = [ResellerUser(n, email, *[Decimal(0)] * 4) for n, email in enumerate(emails, 1)]
        intent = intent_of("resellers.create_user", email="ana@example.com", password="x")

        assert found == verdicts(judge(intent, users=users))
