import csv
import hashlib
from decimal import Decimal

import pytest

from exchanges.bitex import Input, Output, UsageTier, WorkOrderStatus
from exchanges.errors import InvalidRequest, NotFound, PermissionDenied
from exchanges.simulator.engine.rejections import Reason, Refused
from exchanges.simulator.http.multipart import read_multipart
from tests.support.simulator_calls import PRIVATE, ask_bitex, wrong_field
from tests.support.simulator_days import NOTHING, playing, sums

# Resellers and their users


async def test_a_user_has_money_of_his_own():
    """What a reseller does for a user changes the balances and orders of that user alone."""
    async with playing() as (sim, bitex, _):
        before = await bitex.account.profile()
        made = await bitex.resellers.create_user(email="susan@example.com", password="secret")
        user = bitex.as_user(made.user_id)
        sim.bitex.send_btc((await user.account.profile()).btc_deposit_address, Decimal("0.1"))
        sim.advance(1800)
        ask = await user.trading.create_ask(amount="0.05", price=100_000)
        waiting = await user.trading.ask(ask.id)
        [row] = await bitex.resellers.users()

        assert (made.user_id, "susan@example.com", Decimal("0.1"), Decimal("0.05")) == (
            row.id,
            row.email,
            row.btc_balance,
            row.btc_available,
        )
        assert [waiting] == await user.trading.orders()
        assert before == await bitex.account.profile()
        assert (NOTHING, NOTHING) == sums(sim)
        with pytest.raises(NotFound):
            await bitex.trading.ask(ask.id)


@pytest.mark.parametrize("user_id", [2, 7, 1])
async def test_nobody_acts_for_a_user_who_is_not_his(user_id):
    """Other accounts, unknown ids and the reseller's own are not users of a reseller."""
    async with playing() as (_, bitex, _):
        with pytest.raises(NotFound):
            await bitex.as_user(user_id).account.profile()


async def test_only_resellers_may_do_what_resellers_do():
    """An ordinary key can neither list users nor act for one."""
    async with playing() as (_, bitex, ordinary):
        made = await bitex.resellers.create_user(email="susan@example.com", password="secret")
        for call in (
            ordinary.resellers.users,
            ordinary.webhooks.webhook,
            ordinary.as_user(made.user_id).account.profile,
        ):
            with pytest.raises(PermissionDenied, match="permissions"):
                await call()


@pytest.mark.parametrize(("user_id", "status"), [("5001", 401), ("5002", 404), ("all", 404)])
async def test_a_user_is_no_reseller(http, user_id, status):
    """A reseller who acts for a user may not do what resellers do; an unknown user is not found."""
    await ask_bitex(http, "resellers.create_user")

    assert status == (await ask_bitex(http, "resellers.users", as_user=user_id)).status_code


async def test_users_are_listed_as_a_table_too():
    """The table has a row for each user, with amounts to the last digit."""
    async with playing() as (_, bitex, _):
        for name in ("a", "b"):
            await bitex.resellers.create_user(email=f"{name}@example.com", password="secret")
        rows = list(csv.reader((await bitex.resellers.users_csv()).splitlines()))
        users = await bitex.resellers.users()

        assert [[str(u.id), u.email, *["0.00000000"] * 4, u.btc_deposit_address] for u in users] == rows
        with pytest.raises(InvalidRequest):
            await bitex.resellers.create_user(email="a@example.com", password="secret")


# KYC


async def test_profiles_are_stored_as_given():
    """A profile has the given fields, an update changes only the given ones, and no other account finds it."""
    async with playing() as (_, bitex, ordinary):
        made = await bitex.kyc.create_profile(
            usage_tier=UsageTier.LARGE, first_name="José", birth_date="1970-01-30", legal_entity=True
        )
        changed = await bitex.kyc.update_profile(made.id, usage_tier=UsageTier.SMALL, last_name="Núñez")
        main = await bitex.kyc.update_default_profile(usage_tier=UsageTier.SMALL, occupation="Singer")

        assert ("José", "1970-01-30", True, UsageTier.LARGE, None) == (
            made.first_name,
            f"{made.birth_date:%Y-%m-%d}",
            made.legal_entity,
            made.usage_tier,
            made.accepted_usage_tier,
        )
        assert ("José", "Núñez", UsageTier.SMALL) == (changed.first_name, changed.last_name, changed.usage_tier)
        assert [changed, main] == await bitex.kyc.profiles()
        assert (main, changed) == (await bitex.kyc.default_profile(), await bitex.kyc.profile(made.id))
        with pytest.raises(NotFound):
            await ordinary.kyc.profile(made.id)


async def test_files_are_taken_apart_and_measured():
    """Name, type and size of a file of any size are stored, and its profile is MICRO then."""
    async with playing() as (_, bitex, _):
        other = await bitex.kyc.create_profile(usage_tier=UsageTier.LARGE)
        content = b"\x89PNG\r\n\x1a\n" + b"\r\n--x--\r\n" * 200_000
        file = await bitex.kyc.create_file(other.id, document=content, document_content_type="image/png")
        main = (await bitex.kyc.default_profile()).id
        second = await bitex.kyc.create_file(main, document=b"%PDF-1.7")

        assert (other.id, "image/png", len(content)) == (file.kyc_profile_id, file.content_type, file.file_size)
        assert ("application/pdf", 8) == (second.content_type, second.file_size)
        assert [second, file] == await bitex.kyc.files()
        assert [file] == await bitex.kyc.profile_files(other.id)
        assert UsageTier.MICRO == (await bitex.kyc.profile(other.id)).accepted_usage_tier
        assert {"invalid_fields", "photo_id_is_illegible"} < {r.code for r in await bitex.kyc.rejection_reasons()}


async def test_files_of_other_kinds_are_refused(http):
    """What is neither image nor PDF is refused by field."""
    response = await http.post(
        f"{PRIVATE}/kyc_profiles/1001/kyc_files",
        data={"api_key": "simulated-bitex-key"},
        files={"document": ("notes.txt", b"text", "text/plain")},
    )

    assert "document" == wrong_field(response)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"--x\r\n\r\n--x--\r\n"),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"--x--\r\n"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--\r\n"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\na\r\n'),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 2 + b"--x--\r\n",
        ),
    ],
    ids=["no boundary", "empty", "no parts", "no name", "no end", "twice"],
)
def test_forms_that_are_none_are_refused(content_type, body):
    """A form of several parts has a boundary, names and an end, and repeats nothing."""
    with pytest.raises(Refused) as caught:
        read_multipart(content_type, body)

    assert Reason.UNREADABLE is caught.value.reason


# Webhooks


async def test_webhooks_prove_themselves_by_the_key():
    """A review of a user's profile is posted to the reseller, with the digest of the key in the header."""
    async with playing() as (sim, bitex, _):
        assert (await bitex.webhooks.webhook()).webhook_url is None

        await bitex.webhooks.test_webhook(echo="unheard")
        await bitex.webhooks.update_webhook(webhook_url="https://example.com/webhook")
        made = await bitex.resellers.create_user(email="susan@example.com", password="secret")
        sim.bitex.review(made.kyc_profile_id, UsageTier.SMALL)
        sim.bitex.review(made.kyc_profile_id, None)
        updates = [bitex.callbacks.webhook(d.headers, d.body) for d in sim.bitex.deliveries]
        profile = await bitex.as_user(made.user_id).kyc.default_profile()

        assert [(made.kyc_profile_id, UsageTier.SMALL), (made.kyc_profile_id, None)] == [
            (update.id, update.accepted_usage_tier) for update in updates
        ]
        assert hashlib.sha256(b"simulated-bitex-key").hexdigest() == sim.bitex.deliveries[0].headers["Webhook-Auth"]
        assert profile.accepted_usage_tier is None


# The Concierge


async def test_work_orders_are_stored_and_told_of():
    """A work order is returned as created, with payer and payees, and posted when it is created and changed."""
    async with playing() as (sim, bitex, _):
        await bitex.webhooks.update_webhook(webhook_url="https://example.com/webhook")
        payee = await bitex.resellers.create_user(email="susan@example.com", password="secret")
        user = bitex.as_user(payee.user_id)
        await user.kyc.update_default_profile(usage_tier=UsageTier.SMALL, first_name="Susan", last_name="Doe")
        how = await user.funding.create_withdrawal_instruction(body={"payment_method": "x", "country": "US"})
        output = Output(user_id=payee.user_id, country="US", currency="USD", withdrawal_instruction_id=how.id)
        order = await bitex.concierge.create_work_order_request(
            payer_id=1, inputs=[Input(amount=1000, country="AR", currency="ARS")], outputs=[output]
        )
        sim.bitex.progress(order.id, WorkOrderStatus.DONE)
        done = await bitex.concierge.work_order_request(order.id)
        updates = [bitex.callbacks.webhook(d.headers, d.body) for d in sim.bitex.deliveries]

        assert (WorkOrderStatus.RECEIVED, Decimal(1000), None) == (
            order.status,
            order.inputs[0].amount,
            order.outputs[0].amount,
        )
        assert ["reseller@example.com", "susan@example.com"] == [user.email for user in order.users]
        assert "Susan Doe" == order.outputs[0].user.name
        assert ([order, done], [done]) == (updates, list(await bitex.concierge.work_order_requests()))
        assert WorkOrderStatus.DONE is done.status


@pytest.mark.parametrize(
    ("changes", "about"),
    [
        ({"payer_id": 2}, "payer_id"),
        ({"inputs": [{"amount": None, "country": "AR", "currency": "ARS"}]}, "outputs"),
        ({"inputs": [{"amount": -1, "country": "AR", "currency": "ARS"}]}, "inputs"),
        ({"inputs": [{"amount": 1, "country": "XX", "currency": "ARS"}]}, "inputs"),
        ({"inputs": 5}, "inputs"),
        ({}, "outputs"),
    ],
    ids=["payer", "two open", "amount", "country", "no list", "instruction"],
)
async def test_work_orders_that_make_no_sense_are_refused_by_field(http, changes, about):
    """Payer, payees, instructions, places and amounts must be known, and one amount open."""
    await ask_bitex(http, "resellers.create_user")
    response = await ask_bitex(http, "concierge.create_work_order_request", **changes)

    assert about == wrong_field(response)


# Bots


async def test_bots_are_kept_until_they_are_cancelled():
    """A bot runs, is to be cancelled, has stopped; after a day it is in the full list only. It trades nothing."""
    async with playing() as (sim, bitex, _):
        before = await bitex.account.profile()
        bot = await bitex.bots.create_buying_bot(amount=1000, chunk_size=10, time_to_live=20)
        other = await bitex.bots.create_selling_bot(amount="0.5", chunk_size="0.1", time_to_live=600)
        stopped = await bitex.bots.cancel_buying_bot(bot.id)
        again = await bitex.bots.cancel_buying_bot(bot.id)
        sim.advance(25 * 3600)

        assert (True, False, "cancelled") == (bot.executing, stopped.executing, stopped.exit_status)
        assert stopped == again
        assert ([], [other]) == (await bitex.bots.selling_bots(), await bitex.bots.selling_bots(full=True))
        assert before == await bitex.account.profile()


@pytest.mark.parametrize(
    ("name", "fields", "about"),
    [
        ("bots.create_buying_bot", {"time_to_live": "9"}, "time_to_live"),
        ("bots.create_buying_bot", {"chunk_size": "0.5"}, "chunk_size"),
        ("bots.create_selling_bot", {"amount": "0.001"}, "amount"),
        ("kyc.create_profile", {"birth_date": "30/01/1970"}, "birth_date"),
        ("funding.create_withdrawal_instruction", {"body": "[]"}, "body"),
        ("funding.create_withdrawal_instruction", {"body": "{"}, "body"),
        ("funding.create_withdrawal_instruction", {"body": "{}"}, "body"),
        ("payments.create_payment", {"currency_id": "99"}, "currency_id"),
        ("payments.create_payment", {"keep": "101"}, "keep"),
    ],
)
async def test_what_makes_no_sense_is_refused_by_field(http, name, fields, about):
    """Minimums, dates, objects and percentages are checked."""
    response = await ask_bitex(http, name, **fields)

    assert about == wrong_field(response)
