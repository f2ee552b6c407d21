from datetime import UTC, datetime, timedelta

import pytest

from exchanges.bitso import Conversion, LedgerEntry, LedgerOperation
from exchanges.bitso.conversions import Conversions
from exchanges.bitso.reconcile import SEARCHES
from exchanges.bitso.v2 import Funding, UserTransaction
from exchanges.errors import NotFound
from exchanges.outcomes.search import Matches
from exchanges.wire import decode, dumps
from tests.support.searches import AT, query_for, search, search_in, specimen
from tests.support.simulator_days import playing_bitso

CLABE = "032180000118359719"
TRANSACTIONS = specimen("bitso/v2.account.user_transactions")
SENT_AT = datetime(2015, 10, 9, 13, 49, tzinfo=UTC)
CONVERSION = specimen("bitso/conversions.conversion")["payload"]
[ENTRY, *_] = specimen("bitso/account.ledger")["payload"]


def documented(query, transactions):
    """What a search makes of documented answers."""
    rows = decode(dumps(transactions), list[UserTransaction], strict=True)
    return search_in({"user_transactions": rows}, SEARCHES, query)


# Withdrawals


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("bitcoin_withdrawal", {"amount": "0.5", "address": "1Elsewhere"}),
        ("ripple_withdrawal", {"amount": "0.5", "address": "rElsewhere", "currency": "BTC"}),
        ("ripple_withdrawal", {"amount": "20", "address": "rElsewhere", "currency": "XRP"}),
        (
            "spei_withdrawal",
            {
                "amount": "1800.15",
                "recipient_given_names": "Ana",
                "recipient_family_names": "Ruiz",
                "clabe": CLABE,
                "notes_ref": "rent",
                "numeric_ref": "1",
            },
        ),
    ],
)
async def test_withdrawals_are_found_in_doubt(name, asked):
    """Amount and moment are compared, the receiver cannot be; that there is none is no proof."""
    async with playing_bitso() as (_, bitso, _):
        query = query_for(getattr(Funding, name), **asked)
        before = await search(bitso, SEARCHES, query)
        done = await getattr(bitso.v2.funding, name)(**asked)
        after = await search(bitso, SEARCHES, query)
        other = await search(bitso, SEARCHES, query_for(getattr(Funding, name), **{**asked, "amount": "3"}))

        assert (Matches(only_found=True), Matches(only_found=True)) == (before, other)
        assert ([False], True, AT) == ([t.sure for t in after.candidates], after.complete, after.candidates[0].at)
        assert SEARCHES[query.intent.endpoint].identify(done) is None


def test_the_documented_withdrawal_is_found():
    """A deposit, and what is of another currency, is none."""
    asked = {"amount": "1800.15", "address": "rElsewhere", "currency": "MXN"}
    [match] = documented(query_for(Funding.ripple_withdrawal, SENT_AT, **asked), TRANSACTIONS).candidates

    assert ("2015-10-09 13:49:00 SPEI Transfer -1800.15 mxn #1", False) == (match.id, match.sure)


def test_twins_keep_their_names():
    """Withdrawals that say the same are numbered, so another one changes no name."""
    asked = {"amount": "1800.15", "address": "rElsewhere", "currency": "MXN"}
    query = query_for(Funding.ripple_withdrawal, SENT_AT, **asked)
    one, two = ({match.id for match in documented(query, [TRANSACTIONS[1]] * count).candidates} for count in (1, 2))

    assert (1, 2, True) == (len(one), len(two), one < two)


@pytest.mark.usefixtures("strange_context")
def test_a_withdrawal_may_be_carried_out_later():
    """One that is listed after the last moment of the call may still be what it asked for; one from before is not."""
    asked = {"amount": "1800.15", "address": "rElsewhere", "currency": "MXN"}
    moments = (datetime(2015, 10, 9, hour, 49, tzinfo=UTC) for hour in (9, 15))
    days_later = query_for(Funding.ripple_withdrawal, datetime(2015, 10, 11, tzinfo=UTC), **asked)
    earlier, later = (documented(query_for(Funding.ripple_withdrawal, at, **asked), TRANSACTIONS) for at in moments)

    assert ([False], [True], ()) == (
        [t.misdated for t in earlier.candidates],
        [t.misdated for t in later.candidates],
        documented(days_later, TRANSACTIONS).candidates,
    )


# Conversions


async def test_a_conversion_of_unknown_name():
    """The ledger names the quote of a conversion once it is carried out; until then nothing is proven."""
    async with playing_bitso() as (sim, bitso, _):
        quote = await bitso.conversions.create_quote(from_currency="mxn", to_currency="btc", spend_amount=1000)
        other = await bitso.conversions.create_quote(from_currency="mxn", to_currency="btc", spend_amount=999)
        conversion_id = await bitso.conversions.execute(quote)
        query = query_for(Conversions.execute, quote_id=quote)
        before = await search(bitso, SEARCHES, query)
        sim.advance(10)
        [match] = (await search(bitso, SEARCHES, query)).candidates
        without = await search(bitso, SEARCHES, query_for(Conversions.execute, quote_id=other))

        assert (Matches(complete=False, unsettled=True),) * 2 == (before, without)
        assert (conversion_id, quote.id, True) == (match.made, match.found.details.qid, match.tagged)
        assert LedgerOperation.QUOTED_ORDER is match.found.operation


def test_pages_of_the_ledger():
    """The ledger is read back to the call, page by page, and no further; a page that is not full is the last."""
    asked = []

    def page(number, size, at, qid=None):
        rows = [
            {**ENTRY, "eid": f"{number}-{row}", "created_at": f"{at:%Y-%m-%dT%H:%M:%S}+0000"} for row in range(size)
        ]
        rows[-1:] = [{**rows[-1], "details": {"oid": "made", "qid": qid}}]
        return decode(dumps(rows), list[LedgerEntry], strict=True)

    def of(*pages):
        def ledger(*, limit, marker="0"):
            asked.append(marker)
            return pages[int(marker.partition("-")[0])]

        answers = {"conversion": NotFound("no such conversion"), "ledger": ledger}
        return search_in(answers, SEARCHES, query_for(Conversions.execute, quote_id="quote"))

    later, old = AT + timedelta(seconds=5), AT - timedelta(hours=1)
    found = of(page(1, 100, later), page(2, 100, later, "quote"))
    short = of(page(1, 99, later), page(2, 100, later, "quote"))
    too_old = of(page(1, 100, old), page(2, 100, later, "quote"))

    assert ["0", "1-99", "0", "0"] == asked
    assert (["made"], [], []) == tuple([match.made for match in each.candidates] for each in (found, short, too_old))


async def test_a_conversion_of_known_name_is_found():
    """What `convert` knew of it names it, and it is not taken for what its own acceptance made."""
    async with playing_bitso() as (_, bitso, _):
        quote = await bitso.conversions.create_quote(from_currency="mxn", to_currency="btc", spend_amount=1000)
        conversion_id = await bitso.conversions.execute(quote)
        query = query_for(Conversions.execute, quote_id=quote)
        query.intent.arguments["conversion_id"] = conversion_id
        [match] = (await search(bitso, SEARCHES, query)).candidates
        made = SEARCHES[query.intent.endpoint].identify(conversion_id)

        assert (conversion_id, conversion_id, True, True) == (match.found.id, match.made, match.sure, match.tagged)
        assert (conversion_id, False) == (made.id, made.id == match.id)


@pytest.mark.parametrize(
    ("status", "sure"), [("queued", True), ("COMPLETED", True), ("open", False), ("failed", False)]
)
def test_a_conversion_named_as_its_quote_is_found(status, sure):
    """Where the exchange knows it by the quote's id, it was accepted if it got beyond that of a quote."""
    found = decode(dumps({**CONVERSION, "id": "EOTMmUZG", "status": status}), Conversion, strict=True)
    matches = search_in({"conversion": found}, SEARCHES, query_for(Conversions.execute, quote_id="EOTMmUZG"))
    [match] = matches.candidates

    assert ("EOTMmUZG", sure, sure) == (match.id, match.sure, match.tagged)
