# ruff: noqa: INP001 - examples are no package
"""Take what Bitex posts, in a web application of any kind: ASGI without a framework.

Bitex posts to https addresses only, so let a server with a certificate run it::

    BITEX_API_KEY=... uvicorn --factory examples.bitex_callbacks:create_app --ssl-keyfile ... --ssl-certfile ...

Payments are created with ``callback_url="https://example.com/payment"``, and
``await bitex.webhooks.update_webhook(webhook_url="https://example.com/webhook")`` brings the rest. The body of a
payment's callback holds your key: keep bodies out of the server's logs.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from exchanges import Bitex
from exchanges.bitex.callbacks import MAX_BYTES
from exchanges.bitex.models.concierge import WorkOrderRequest
from exchanges.bitex.models.kyc import KycProfile
from exchanges.bitex.models.payments import Payment
from exchanges.bitex.webhooks import WebhookEcho
from exchanges.errors import CallbackRejected, ExchangeError

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
News: TypeAlias = Payment | WorkOrderRequest | KycProfile | WebhookEcho

logger = logging.getLogger("bitex_callbacks")


class CallbackEndpoint:
    """Proves what is posted, asks Bitex for the truth of it, and hands that on.

    Args:
        bitex: Reads the callbacks, with its own key, and confirms them.
        handle: Takes what Bitex says; the same news may come twice.
    """

    def __init__(self, bitex: Bitex, handle: Callable[[News], Awaitable[None]]) -> None:
        self._bitex = bitex
        self._handle = handle

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one connection, or the beginning and the end of the server."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            status = await self._answer(scope, receive)
            await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})

    async def _live(self, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await self._bitex.aclose()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, scope: Message, receive: Receive) -> int:
        if scope["path"] not in ("/payment", "/webhook"):
            return 404
        if scope["method"] != "POST":
            return 405
        body = await _body(receive)
        if body is None:
            return 413
        try:
            await self._handle(await self._news(scope, body))
        except CallbackRejected:
            return 403
        except ExchangeError as error:
            logger.warning("not confirmed, to be posted again: %s", error)
            return 503
        return 200

    async def _news(self, scope: Message, body: bytes) -> News:
        if scope["path"] == "/payment":
            return await self._bitex.confirm(self._bitex.callbacks.payment(body))
        callback = self._bitex.callbacks.webhook(scope["headers"], body)
        return callback if isinstance(callback, WebhookEcho) else await self._bitex.confirm(callback)


async def _body(receive: Receive) -> bytes | None:
    """Read the body; None where it is too large, or breaks off."""
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        chunk: bytes = message.get("body", b"")
        body += chunk
        if len(body) > MAX_BYTES:
            return None
        if not message.get("more_body", False):
            return body


async def show(news: News) -> None:
    """Log what happened; models print without keys and personal data."""
    logger.warning("%s", news)


def create_app() -> CallbackEndpoint:
    """Make the application; the key comes from ``BITEX_API_KEY``."""
    return CallbackEndpoint(Bitex(), show)
