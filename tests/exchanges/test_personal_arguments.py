"""What withdrawals and deposits say of people shows in no intent, and so in no journal, error or pickle of one."""

import pytest

from exchanges import Bitso, Bitstamp, OutcomeUnknown
from exchanges.errors import UnresolvedOutcome
from exchanges.redaction import REDACTED
from tests.support import single_calls
from tests.support.scripted_transport import Script, html

CLABE, OTHER_CLABE = "032180000118359719", "002010077777777771"
PERSON = {"retail_info": {"name": "Ana"}}
SPEI = {"currency": "mxn", "amount": "10", "method": "praxis"}
CALLS = {
    "withdrawal": (
        Bitso,
        lambda c, said: c.funding.create_withdrawal(**SPEI, **said),
        {
            "clabe": CLABE,
            "beneficiary": "Ana",
            "rfc": "RUAA900101AB1",
            "email": "ana@a.example",
            "phone_number": "+525512345678",
            "details": {"bank_code": "40012"},
            "compliance": {"name": "Ana"},
        },
    ),
    "contact": (
        Bitso,
        lambda c, said: c.funding.create_contact(alias="a", currency="mxn", taxonomy={"network": "x"}, **said),
        {"details": {"clabe": CLABE}, "compliance": {"name": "Ana"}},
    ),
    "withdrawal of v2": (
        Bitso,
        lambda c, said: c.v2.funding.spei_withdrawal(amount="10", notes_ref="rent", numeric_ref="1", **said),
        {"recipient_given_names": "Ana", "recipient_family_names": "Ruiz", "clabe": CLABE},
    ),
    "originator": (
        Bitstamp,
        lambda c, said: c.funding.update_deposit_originator(deposit_id="7", **said),
        {"originator_info": PERSON, "beneficiary_info": PERSON},
    ),
}


@pytest.mark.parametrize("name", list(CALLS))
def test_an_intent(name):
    """The intent of a call names personal arguments without their values."""
    client, call, said = CALLS[name]
    with pytest.raises(OutcomeUnknown) as caught:
        single_calls.ask(client, lambda c: call(c, said), Script.of(html(502)))
    shown = caught.value.intent.arguments

    assert dict.fromkeys(said, REDACTED) == {argument: shown[argument] for argument in said}


def test_a_withdrawal_to_another_account():
    """A withdrawal of the same amount waits for an unresolved one, as receivers are not compared, and says so."""

    async def twice(bitso):
        with pytest.raises(OutcomeUnknown):
            await bitso.funding.create_withdrawal(**SPEI, clabe=CLABE)
        with pytest.raises(UnresolvedOutcome, match="differs in secret arguments alone, is unresolved"):
            await bitso.funding.create_withdrawal(**SPEI, clabe=OTHER_CLABE)

    script = Script.of(html(502))
    single_calls.ask(Bitso, twice, script)

    assert 1 == len(script.came)
