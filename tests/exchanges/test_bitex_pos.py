from decimal import Decimal

import pytest

from exchanges.bitex import Bitex
from exchanges.bitex.models.payments import Currency
from exchanges.bitex.pos import PointOfSalePages
from exchanges.errors import UsageError

PAGES = PointOfSalePages("https://bitex.la/api-v1/rest")


def test_payment_page():
    """The URL of a payment's page ends in its address."""
    assert "https://bitex.la/pos/tierrabuena/1ABCdef" == PAGES.payment_page("tierrabuena", "1ABCdef")


def test_self_service_page():
    """Without fields the URL ends in the slug."""
    assert "https://bitex.la/pos/tierrabuena" == PAGES.self_service_page("tierrabuena")


def test_fields():
    """Fields are in the order of the guide, a space as %20."""
    url = PAGES.self_service_page("tierrabuena", amount=150, currency_id=4, customer_reference="Fruit Basket")

    assert "https://bitex.la/pos/tierrabuena?amount=150&currency_id=4&customer_reference=Fruit%20Basket" == url


def test_escapes():
    """A reference cannot add fields, and keeps every character."""
    url = PAGES.self_service_page("t", customer_reference="a&amount=1#ñ+/?")

    assert "https://bitex.la/pos/t?customer_reference=a%26amount%3D1%23%C3%B1%2B%2F%3F" == url


def test_exact_amounts():
    """An amount keeps every digit and has no exponent."""
    url = PAGES.self_service_page("t", amount=Decimal("1E-8"), currency_id=Currency.BTC)

    assert "https://bitex.la/pos/t?amount=0.00000001&currency_id=1" == url


def test_donation_page():
    """Donations have their own page."""
    assert "https://bitex.la/donate/tierrabuena" == PAGES.donation_page("tierrabuena")


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
