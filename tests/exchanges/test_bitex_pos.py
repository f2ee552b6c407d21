from decimal import Decimal

import pytest

from exchanges.bitex import Bitex
from exchanges.bitex.models.payments import Currency
from exchanges.bitex.pos import PointOfSalePages
from exchanges.errors import UsageError

PAGES = PointOfSalePages("https://bitex.la/api-v1/rest")


FRUIT = {"amount": 150, "currency_id": 4, "customer_reference": "Fruit Basket"}


@pytest.mark.parametrize(
    ("url", "path"),
    [
        (PAGES.payment_page("tierrabuena", "1ABCdef"), "pos/tierrabuena/1ABCdef"),
        (PAGES.donation_page("tierrabuena"), "donate/tierrabuena"),
        (PAGES.self_service_page("tierrabuena"), "pos/tierrabuena"),
        # Fields are in the order of the guide, a space as %20.
        (PAGES.self_service_page("t", **FRUIT), "pos/t?amount=150&currency_id=4&customer_reference=Fruit%20Basket"),
        # A reference cannot add fields, and keeps every character.
        (
            PAGES.self_service_page("t", customer_reference="a&amount=1#ñ+/?"),
            "pos/t?customer_reference=a%26amount%3D1%23%C3%B1%2B%2F%3F",
        ),
        # An amount keeps every digit and has no exponent.
        (
            PAGES.self_service_page("t", amount=Decimal("1E-8"), currency_id=Currency.BTC),
            "pos/t?amount=0.00000001&currency_id=1",
        ),
    ],
)
def test_pages(url, path):
    """The URL of a page ends in the slug, then in the address of the payment or in the given fields."""
    assert f"https://bitex.la/{path}" == url


@pytest.mark.parametrize("slug", ["", "..", "a/b", "A", "a?b", "a b", "a%2f"])
@pytest.mark.parametrize("page", [PAGES.donation_page, PAGES.self_service_page, lambda s: PAGES.payment_page(s, "1A")])
def test_odd_slugs(page, slug):
    """An invalid slug is rejected."""
    with pytest.raises(UsageError):
        page(slug)


@pytest.mark.parametrize("address", ["", "..", "1A/../x", "1A?x=y", "1A x", "1Ä"])
def test_odd_addresses(address):
    """An invalid Bitcoin address is rejected."""
    with pytest.raises(UsageError):
        PAGES.payment_page("t", address)


@pytest.mark.parametrize("amount", [0, "-1", 1.5, "x"])
def test_odd_amounts(amount):
    """An invalid amount is rejected, a float too."""
    with pytest.raises(UsageError) as caught:
        PAGES.self_service_page("t", amount=amount)

    assert "amount must be" in str(caught.value)


@pytest.mark.parametrize(
    ("options", "page"),
    [
        ({}, "https://bitex.la/pos/t"),
        ({"sandbox": True}, "https://sandbox.bitex.la/pos/t"),
        ({"base_url": "http://127.0.0.1:8080"}, "http://127.0.0.1:8080/pos/t"),
    ],
)
def test_the_clients_own_server(options, page):
    """A client builds URLs of its own server."""
    assert page == Bitex(**options).pos.self_service_page("t")
