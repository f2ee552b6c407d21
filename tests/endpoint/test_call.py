from decimal import Decimal

import pytest

from exchanges.endpoint import Endpoint
from exchanges.endpoint.call import PreparedCall, prepare
from tests.support.sample_calls import BASE, Calls, Side, call, refusal


class TestPaths:
    @pytest.mark.parametrize(
        ("given", "path"),
        [
            ("btc_usd", "/api/orders/btc_usd"),
            ("a/b", "/api/orders/a%2Fb"),
            ("../x", "/api/orders/..%2Fx"),
            ("a?b#c", "/api/orders/a%3Fb%23c"),
            ("%2e%2e", "/api/orders/%252e%252e"),
            ("a b", "/api/orders/a%20b"),
            ("{name}", "/api/orders/%7Bname%7D"),
            ("ñ", "/api/orders/%C3%B1"),
            ("...", "/api/orders/..."),
        ],
    )
    def test_escaped(self, given, path):
        """An argument in the path stays one segment of it."""
        assert path == call("order", book=given, amount=1).target

    @pytest.mark.parametrize("given", ["", ".", ".."])
    def test_refused(self, given):
        """A segment that would change the path is refused."""
        assert "book must not be empty or dots: it is part of the path" in refusal(book=given)

    def test_one_placeholder_never_fills_another(self):
        """A value that looks like a placeholder is not replaced."""
        assert "/api/find/7/%7Bnumber%7D" == call("find", number=7, name="{number}").target

    @pytest.mark.parametrize(("given", "path"), [({}, "/api/day/today"), ({"day": "monday"}, "/api/day/monday")])
    def test_default(self, given, path):
        """An argument in the path may have a default."""
        assert path == call("day", **given).target

    def test_none(self):
        """An argument in the path is never left out, so None is refused."""
        assert "day must be a str, not NoneType" in refusal("day", day=None)

    @pytest.mark.parametrize("base", ["https://x.test/api", "https://x.test:8443/api", "http://127.0.0.1:8080/api"])
    def test_origin(self, base):
        """The origin is scheme, host and port of the base; its path precedes the route."""
        request = prepare(Calls.nothing.endpoint, {}, base).render()

        assert (base, "/api/nothing") == (request.origin + "/api", request.target)

    def test_a_base_without_a_path(self):
        """A base may be an origin alone."""
        assert "/nothing" == prepare(Calls.nothing.endpoint, {}, "https://x.test").render().target


class TestBodies:
    def test_form(self):
        """A form has its content type."""
        assert (("Content-Type", "application/x-www-form-urlencoded"),) == call("order", book="b", amount=1).headers

    def test_json(self):
        """A JSON body holds amounts as text, numbers as numbers, flags as flags."""
        request = call("large", amount="100.0", count=2, hidden=False, side=Side.BUY)

        assert b'{"amount":"100.0","count":2,"hidden":false,"side":"buy"}' == request.body

    def test_json_type(self):
        """A JSON body has its content type."""
        assert (("Content-Type", "application/json"),) == call("large", amount=100).headers

    def test_an_empty_form(self):
        """Without fields there is neither a form nor a content type."""
        request = call("nothing")

        assert (b"", ()) == (request.body, request.headers)

    def test_an_empty_object(self):
        """Without fields a JSON body is an empty object."""
        assert b"{}" == call("nothing_json").body

    def test_get(self):
        """A GET has its fields in the query and no body."""
        request = call("find", number=1, name="n", amount="1.5", hidden=True)

        assert ("/api/find/1/n?amount=1.5&hidden=true", b"", ()) == (request.target, request.body, request.headers)

    def test_delete(self):
        """A DELETE has its fields in the query and no body."""
        request = call("delete", name="n")

        assert ("DELETE", "/api/one?name=n", b"") == (request.verb, request.target, request.body)


class TestSecrets:
    def test_a_prepared_call_shows_no_arguments(self):
        """The repr of a prepared call names the endpoint alone."""
        call = prepare(Calls.order.endpoint, {"book": "b", "amount": 1, "note": "secret"}, BASE)

        assert "PreparedCall(test.calls.order)" == repr(call)

    def test_a_request_shows_no_query(self):
        """The repr of a request shows verb and path, not the query: a key may be in it."""
        request = prepare(Calls.find.endpoint, {"number": 1, "name": "n"}, BASE).render({"api_key": "secret"})

        assert "Request(GET /api/find/1/n)" == repr(request)

    def test_added_fields_come_first(self):
        """Fields that a scheme adds precede the caller's own fields."""
        call = prepare(Calls.order.endpoint, {"book": "b", "amount": 1}, BASE)

        assert b"key=k&nonce=7&amount=1&count=1" == call.render({"key": "k", "nonce": 7}).body

    def test_added_fields_win_nothing(self):
        """A field of the caller's is not replaced by one that is added."""
        call = prepare(Calls.order.endpoint, {"book": "b", "amount": 1}, BASE)

        assert b"amount=1&count=1" == call.render({"amount": "2"}).body

    def test_the_intent(self):
        """The intent of a call has all its arguments by name, as the text that is sent."""
        arguments = {"book": "b", "amount": Decimal("1E+2"), "hidden": True, "tag": "t"}

        intent = prepare(Calls.order.endpoint, arguments, BASE).intent(None)

        assert {"book": "b", "amount": "100", "count": "1", "hidden": "true", "tag": "T"} == intent.arguments

    def test_added_headers(self):
        """Headers and secrets of a signature are added to those that are there."""
        request = call("order", book="b", amount=1).adding({"X-Sign": "s"}, ("s",))

        assert ("Content-Type", "X-Sign") == tuple(name for name, _ in request.headers)


@pytest.mark.parametrize("kind", [Endpoint, PreparedCall])
def test_attributes_are_found_by_the_interpreter(kind):
    """Neither class has a function in Python that looks up attributes: each call reads many of them."""
    assert not hasattr(kind, "__getattr__")
