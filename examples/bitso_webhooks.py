# ruff: noqa: INP001 - examples are not a package
"""Receive webhooks of Bitso in an ASGI application without a framework.

Bitso posts to https URLs only and expects an answer within five seconds, so run it with a server that has a
certificate (needs the extra ``webhooks``)::

    BITSO_API_KEY=... uvicorn --factory examples.bitso_webhooks:create_app --ssl-keyfile ... --ssl-certfile ...

A webhook may come twice, late and out of order, and whoever has seen one can post it again: it is a hint. What is true
is read from the exchange before it is passed on.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from exchanges import Bitso, CallbackRejected, ExchangeError
from exchanges.bitso import Deposit, Withdrawal

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Transfer: TypeAlias = Deposit | Withdrawal

MAX_BYTES = 1024 * 1024
"""The largest body that `webhooks.read` takes."""

logger = logging.getLogger("bitso_webhooks")


class WebhookEndpoint:
    """Verifies what is posted, reads its current state from Bitso, and passes that on.

    Args:
        bitso: Client that verifies and reads, with its own key.
        handle: Called with each deposit or withdrawal. The same one may come twice, so it must be idempotent.
    """

    def __init__(self, bitso: Bitso, handle: Callable[[Transfer], Awaitable[None]]) -> None:
        self._bitso = bitso
        self._handle = handle

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one request, or start and shutdown of the server."""
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await self._bitso.aclose()
            await send({"type": "lifespan.shutdown.complete"})
        elif scope["type"] == "http":
            status = await self._answer(scope, receive)
            await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})

    async def _answer(self, scope: Message, receive: Receive) -> int:
        if scope["method"] != "POST":
            return 405
        body = await _body(receive)
        if body is None:
            return 413  # refused unread: anybody can post here
        try:
            delivery = await self._bitso.webhooks.read(raw_body=body, headers=scope["headers"])
            match delivery.payload:
                case Deposit(fid=fid):
                    await self._handle(await self._bitso.funding.funding(fid))
                case Withdrawal(wid=wid):
                    await self._handle(await self._bitso.funding.withdrawal(wid))
                case _:
                    logger.info("an event of another product, said to be %r", delivery.claimed_event)
        except CallbackRejected:
            return 403
        except ExchangeError as error:
            # Not 200: Bitso posts again what was answered with a 5xx.
            logger.warning("webhook not confirmed, waiting for Bitso to post it again: %s", error)
            return 503
        return 200


async def _body(receive: Receive) -> bytes | None:
    """Read the body; return None if it is too large or incomplete."""
    body = b""
    while True:
        message = await receive()
        part: bytes = message.get("body", b"")
        body += part
        if message["type"] == "http.disconnect" or len(body) > MAX_BYTES:
            return None
        if not message.get("more_body"):
            return body


async def _log(transfer: Transfer) -> None:
    logger.info("%s %s %s: %s", type(transfer).__name__, transfer.amount, transfer.currency, transfer.status.value)


def create_app() -> WebhookEndpoint:
    """Create the application, with the key from the environment."""
    logging.basicConfig(level=logging.INFO)
    return WebhookEndpoint(Bitso(), _log)
