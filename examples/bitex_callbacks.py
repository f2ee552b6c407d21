# ruff: noqa: INP001 - examples are not a package
"""Receive callbacks and webhooks of Bitex in an ASGI application without a framework.

Bitex posts to https URLs only, so run it with a server that has a certificate::

    BITEX_API_KEY=... uvicorn --factory examples.bitex_callbacks:create_app --ssl-keyfile ... --ssl-certfile ...

Payments are created with ``callback_url="https://example.com/payment"``, and
``await bitex.webhooks.update_webhook(webhook_url="https://example.com/webhook")`` subscribes to everything else. The
body of a payment's callback contains your API key: keep bodies out of the server's logs.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from exchanges import Bitex, CallbackRejected, ExchangeError
from exchanges.bitex import KycProfile, Payment, WebhookEcho, WorkOrderRequest

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Confirmed: TypeAlias = Payment | WorkOrderRequest | KycProfile | WebhookEcho

MAX_BYTES = 1024 * 1024
"""The largest body that `callbacks` reads."""

logger = logging.getLogger("bitex_callbacks")


class CallbackEndpoint:
    """Verifies what is posted, reads its current state from Bitex, and passes that on.

    Args:
        bitex: Client that verifies and confirms the callbacks, with its own key.
        handle: Called with each confirmed object. Bitex may post the same object twice, so it must be idempotent.
    """

    def __init__(self, bitex: Bitex, handle: Callable[[Confirmed], Awaitable[None]]) -> None:
        self._bitex = bitex
        self._handle = handle

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one request, or start and shutdown of the server."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            status = await self._answer(scope, receive)
            await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
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
            return 413  # refused unread: anybody can post here
        try:
            await self._handle(await self._confirmed(scope, body))
        except CallbackRejected:
            return 403
        except ExchangeError as error:
            # Not 200: a callback that could not be confirmed must not count as delivered.
            logger.warning("callback not confirmed, waiting for Bitex to post it again: %s", error)
            return 503
        return 200

    async def _confirmed(self, scope: Message, body: bytes) -> Confirmed:
        # A callback only says that something changed. What is true is read from Bitex.
        if scope["path"] == "/payment":
            return await self._bitex.confirm(self._bitex.callbacks.payment(body))
        callback = self._bitex.callbacks.webhook(scope["headers"], body)
        return callback if isinstance(callback, WebhookEcho) else await self._bitex.confirm(callback)


async def _body(receive: Receive) -> bytes | None:
    """Read the body; return None if it is too large or incomplete."""
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


async def _log(confirmed: Confirmed) -> None:
    # The repr of models leaves keys and personal data out.
    logger.info("%s", confirmed)


def create_app() -> CallbackEndpoint:
    """Create the application; the key is read from ``BITEX_API_KEY``."""
    logging.basicConfig(level=logging.INFO)
    return CallbackEndpoint(Bitex(), _log)
