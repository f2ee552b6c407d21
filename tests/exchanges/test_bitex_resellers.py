import traceback
from decimal import Decimal
from urllib.parse import parse_qsl

import httpx
import pytest

from exchanges.bitex import Bitex
from exchanges.bitex.models.resellers import ResellerUser
from exchanges.errors import (
    AuthenticationFailed,
    DecodeError,
    ExchangeError,
    InvalidRequest,
    OutcomeUnknown,
    UsageError,
)
from exchanges.wire import Wire
from tests.support.bitex_requests import ENDPOINTS, client
from tests.support.scripted_transport import Script, answer
from tests.support.virtual_time import in_virtual_time

ADDRESS = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"
ROW = [1, "billy@example.com", Decimal("10000.00"), Decimal("500.00"), Decimal("20.5"), Decimal("1.5"), ADDRESS]
USER = ResellerUser(*ROW)
CSV = 'id,email\r\n1,billy@example.com\r\n2,"señor, x"\r\n'
PASSWORD = "canary+Pass/word 1"


def users(value, *, strict=True):
    """Decode an answer to the list of users."""
    endpoint = ENDPOINTS["resellers.users"]
    return Wire(strict=strict).structure(value, endpoint.answer, endpoint.id)


def fields(came):
    """Return the fields of a request, from its query or its body."""
    return parse_qsl((came.request.url.query or came.request.content).decode())


class TestUsers:
    def test_a_list(self):
        """Users are rows of 7 without class reference."""
        assert [USER, USER] == users([ROW, ROW])

    def test_one_flat_row(self):
        """A single row in place of the list, as the guide shows it, is a list of one."""
        assert [USER] == users(ROW)

    def test_nobody(self):
        """A reseller may have no users."""
        assert [] == users([])

    @pytest.mark.parametrize("answer", [{}, "users", None, [1, 2], [[1], 2], [[]]])
    def test_anything_else(self, answer):
        """Anything else is a decode error that names the call."""
        with pytest.raises(DecodeError) as caught:
            users(answer, strict=False)

        assert "bitex.resellers.users" == caught.value.endpoint

    def test_no_address_yet(self):
        """A user without a deposit address for BTC has None."""
        assert users([ROW[:-1]], strict=False)[0].btc_deposit_address is None

    def test_print_without_email(self):
        """The repr of a user has no e-mail address."""
        assert "billy" not in repr(USER)

    @in_virtual_time
    async def test_csv(self):
        """The table is returned as received, not parsed as JSON."""
        script = Script.of(httpx.Response(200, content=CSV.encode(), headers={"content-type": "text/csv"}))
        async with client(script) as bitex:
            table = await bitex.resellers.users_csv()

        assert (CSV, ["GET /api-v1/rest/reseller/users.csv"]) == (table, list(script.paths))


class TestPassword:
    def echo(self, request):
        """Answer as a server that echoes the request."""
        entry = {"detail": f"no: {request.content.decode()} {PASSWORD}", "source": {"pointer": "/data"}}
        return answer({"errors": [entry]}, 422)

    async def failure(self, step):
        async with client(Script.of(step)) as bitex:
            with pytest.raises(ExchangeError) as caught:
                await bitex.resellers.create_user(email="a@b.test", password=PASSWORD)
        return caught.value

    @in_virtual_time
    async def test_it_is_sent(self):
        """The password is sent unchanged."""
        script = Script.of(answer({"user_id": 1, "kyc_profile_id": 2}))
        async with client(script) as bitex:
            await bitex.resellers.create_user(email="a@b.test", password=PASSWORD)

        assert [("api_key", "k"), ("email", "a@b.test"), ("password", PASSWORD)] == fields(script.came[0])

    @in_virtual_time
    async def test_not_in_an_answered_error(self):
        """An error does not contain a password that the server echoes."""
        error = await self.failure(self.echo)

        assert isinstance(error, InvalidRequest)
        assert "canary" not in f"{error} {error!r} {error.__dict__}"

    @in_virtual_time
    async def test_not_in_an_intent(self):
        """The intent of an unknown outcome does not contain the password."""
        error = await self.failure(httpx.ReadError("broken off"))

        assert isinstance(error, OutcomeUnknown)
        assert ("a@b.test", "[redacted]") == (error.intent.arguments["email"], error.intent.arguments["password"])

    @pytest.mark.parametrize("password", ["canary\n", b"canary", 7])
    @in_virtual_time
    async def test_not_in_a_usage_error(self, password):
        """A password that cannot be sent is rejected without being shown."""
        async with client(Script.of()) as bitex:
            with pytest.raises(UsageError) as caught:
                await bitex.resellers.create_user(email="a@b.test", password=password)

        lines = traceback.format_exception_only(caught.value)
        assert ("password must" in lines[0], "canary" in lines[0]) == (True, False)


class TestImpersonating:
    @in_virtual_time
    async def test_private_calls(self):
        """Each private call of the view sends the user after the key, in the query or in the body."""
        script = Script.of(answer([]), answer({"error": "Invalid Api Key"}, 401), answer([]))
        async with client(script) as bitex:
            user = bitex.as_user(5000)
            await user.trading.orders()
            with pytest.raises(AuthenticationFailed):
                await user.trading.create_bid(amount=10, price=500)
            await bitex.trading.orders()

        assert [("api_key", "k"), ("as_user", "5000")] == fields(script.came[0])
        assert [("api_key", "k"), ("as_user", "5000"), ("amount", "10")] == fields(script.came[1])[:3]
        assert [("api_key", "k")] == fields(script.came[2])

    @in_virtual_time
    async def test_public_calls(self):
        """A public call sends no user."""
        script = Script.of(answer([]))
        async with client(script) as bitex:
            await bitex.as_user(5000).market.transactions()

        assert [] == fields(script.came[0])

    @in_virtual_time
    async def test_the_intent_names_the_user(self):
        """The intent of an unknown outcome has the user."""
        async with client(Script.of(httpx.ReadError("x"))) as bitex:
            with pytest.raises(OutcomeUnknown) as caught:
                await bitex.as_user(5000).trading.create_bid(amount=10, price=500)

        assert "5000" == caught.value.intent.acting["as_user"]

    @in_virtual_time
    async def test_with_other_options(self):
        """Further options keep the user, and another user replaces it."""
        script = Script.of(answer([]))
        async with client(script) as bitex:
            user = bitex.as_user(1).with_options(timeout_seconds=5)
            await user.trading.orders()
            await user.as_user(2).trading.orders()

        assert ["1", "2"] == [dict(fields(came))["as_user"] for came in script.came]

    @pytest.mark.parametrize("user_id", ["5000", 0, -1, True, 5.0, None])
    def test_no_user(self, user_id):
        """Anything but an id is rejected."""
        with pytest.raises(UsageError):
            Bitex().as_user(user_id)
