"""Where Bitex posts what changes for a reseller."""

from __future__ import annotations

from typing import Annotated

from attrs import frozen

from exchanges.bitex.api import API
from exchanges.bitex.checks import fault_of_url
from exchanges.endpoint import IDEMPOTENT, JSON, Access, Area, Param, private

__all__ = ["Webhook", "WebhookEcho", "Webhooks"]


@frozen(kw_only=True)
class Webhook:
    """Where Bitex posts to. Wire: object.

    Source:
        Bitex developer guide, Webhooks, "Show Webhook URL".
    """

    webhook_url: str | None = None
    """None until it is set."""


@frozen(kw_only=True)
class WebhookEcho:
    """What was to be echoed. Wire: object.

    Source:
        Bitex developer guide, Webhooks, "Test Webhook URL".
    """

    echo: str
    """As it was given."""


class Webhooks(Area, api=API):
    """Set the one address to which Bitex posts work orders and KYC profiles as they change.

    `Callbacks.webhook` reads what comes there. It is for resellers; payments have an address of their own each.
    """

    __slots__ = ()

    @private("GET /reseller/webhook", access=Access.RESELLER)
    async def webhook(self) -> Webhook:
        """Where Bitex posts to.

        Returns:
            Wire: object.

        Source:
            Bitex developer guide, Webhooks, "Show Webhook URL".
        """
        ...

    @private("PUT /reseller/webhook", kind=IDEMPOTENT, access=Access.RESELLER, body=JSON)
    async def update_webhook(self, *, webhook_url: Annotated[str, Param(check=fault_of_url)]) -> Webhook:
        """Set where Bitex posts to.

        Args:
            webhook_url: https only.

        Returns:
            Where Bitex posts to now. Wire: object.

        Source:
            Bitex developer guide, Webhooks, "Update Webhook URL".
        """
        ...

    @private("POST /reseller/webhook/test", kind=IDEMPOTENT, access=Access.RESELLER, body=JSON)
    async def test_webhook(self, *, echo: str) -> WebhookEcho:
        """Have Bitex post *echo* to the address that is set.

        Args:
            echo: Any words.

        Returns:
            What is posted as well. Wire: object.

        Source:
            Bitex developer guide, Webhooks, "Test Webhook URL".
        """
        ...
