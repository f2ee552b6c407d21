"""The webhook of a reseller: the URL to which Bitex posts changes."""

from __future__ import annotations

from typing import Annotated

from exchanges.bitex.api import API
from exchanges.bitex.checks import fault_of_url
from exchanges.endpoint import IDEMPOTENT, JSON, Access, Area, Param, private
from exchanges.values import frozen
from exchanges.wire import Model


@frozen(kw_only=True)
class Webhook(Model):
    """The URL that Bitex posts to. Wire: object.

    Source:
        Bitex developer guide, Webhooks, "Show Webhook URL".
    """

    webhook_url: str | None
    """URL, https only; None until it is set."""


@frozen(kw_only=True)
class WebhookEcho(Model):
    """The echo of a test. Wire: object.

    Source:
        Bitex developer guide, Webhooks, "Test Webhook URL".
    """

    echo: str
    """The text that was sent."""


class Webhooks(Area, api=API):
    """Set the one URL to which Bitex posts changes of work orders and KYC profiles.

    `Callbacks.webhook` reads what is posted there. For resellers only; each payment has its own *callback_url*.
    """

    __slots__ = ()

    @private("GET /reseller/webhook", access=Access.RESELLER)
    async def webhook(self) -> Webhook:
        """Return the URL that Bitex posts to.

        Returns:
            Wire: object.

        Source:
            Bitex developer guide, Webhooks, "Show Webhook URL".
        """
        ...

    @private("PUT /reseller/webhook", kind=IDEMPOTENT, access=Access.RESELLER, body=JSON)
    async def update_webhook(
        self, *, webhook_url: Annotated[str, Param(check=fault_of_url, echo="webhook_url")]
    ) -> Webhook:
        """Set the URL that Bitex posts to.

        Args:
            webhook_url: The URL, https only.

        Returns:
            The URL that Bitex posts to now. Wire: object.

        Source:
            Bitex developer guide, Webhooks, "Update Webhook URL".
        """
        ...

    # Idempotent, although a POST: one more echo changes nothing.
    @private("POST /reseller/webhook/test", kind=IDEMPOTENT, access=Access.RESELLER, body=JSON)
    async def test_webhook(self, *, echo: Annotated[str, Param(echo="echo")]) -> WebhookEcho:
        """Request that Bitex posts *echo* to the webhook.

        Args:
            echo: Any text.

        Returns:
            The echo, which is posted as well. Wire: object.

        Source:
            Bitex developer guide, Webhooks, "Test Webhook URL".
        """
        ...
