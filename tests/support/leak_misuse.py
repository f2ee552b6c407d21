"""Mistakes of callers with secrets in them: in constructors, arguments and callbacks."""

from __future__ import annotations

import io
import json
import ssl
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from exchanges.bitex import Bitex, Callbacks, DomesticBank
from exchanges.bitso import Bitso
from exchanges.limits.limit import Limit, Scope
from tests.support import secrets as canaries
from tests.support.leak_scenarios import Call, Failure, NewBitstamp, Watching, called, credentials_of, made
from tests.support.leak_sinks import Scene

CLIENTS = (Bitex, Bitso, NewBitstamp)
PROXY_PASSWORD = quote(canaries.PROXY_PASSWORD, safe="")
KEY, PASSWORD, DETAILS, DOCUMENT = canaries.API_KEY, canaries.PASSWORD, canaries.DETAILS, canaries.DOCUMENT


def misused() -> Iterator[Failure]:
    """Yield each mistake that a caller can make before anything is sent."""
    for client in CLIENTS:
        for what, options in _options().items():
            yield Failure(f"{client.__name__}({what})", client.exchange, partial(_constructed, client, options))
        yield Failure(f"{client.__name__} by position", client.exchange, partial(_by_position, client))
        yield Failure(f"{client.__name__}: nothing wrong, but a proxy", client.exchange, partial(_proxied, client))
    for what, call in _arguments().items():
        yield Failure(f"bitex: {what}", "bitex", partial(_called, call))
    for what, read in _callbacks().items():
        yield Failure(f"bitex: {what}", "bitex", partial(_read, read))


# Constructors


def _options() -> dict[str, dict[str, Any]]:
    careless = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    careless.check_hostname = False
    proxy = f"http://user:{PROXY_PASSWORD}@proxy.example:3128"
    return {
        "an unknown option": {"timeout": 3, "proxy": proxy},
        "a bad deadline": {"timeout_seconds": -1, "proxy": proxy},
        "two servers": {"sandbox": True, "base_url": "https://a.example"},
        "a bad base URL": {"base_url": f"https://user:{PROXY_PASSWORD}@a.example"},
        "a base URL that is none": {"base_url": f"https://[{canaries.PROXY_PASSWORD}"},
        "a base URL without TLS": {"base_url": "http://a.example", "proxy": proxy},
        "a bad proxy": {"proxy": f"ftp://user:{PROXY_PASSWORD}@proxy.example"},
        "a proxy that is none": {"proxy": f"http://user:{PROXY_PASSWORD}@[::1"},
        "a proxy that is an object": {"proxy": {"url": proxy}},
        "a proxy without TLS to the server": {"proxy": proxy, "base_url": "http://127.0.0.1:1"},
        "a careless context": {"ssl_context": careless, "proxy": proxy},
        "a transport that is none": {"transport": object(), "proxy": proxy},
        "a bad number of connections": {"max_connections": 0, "proxy": proxy},
        "a bad nonce": {"nonce_floor": -1, "proxy": proxy},
        "an unknown limit": {"limits": [Limit("x", (), Scope.KEY)], "proxy": proxy},
        "limits that are none": {"limits": 5, "proxy": proxy},
        "a key with a blank": {"api_key": f"{KEY} {KEY}"},
        "a key in bytes": {"api_key": KEY.encode()},
        "a key that is too long": {"api_key": KEY * 20},
        "a secret with a line": {"api_secret": f"{canaries.API_SECRET}\n"},
        "a client id with an odd letter": {"client_id": f"{canaries.CLIENT_ID}\ud800"},
        "no key": {"api_key": None},
        "callback keys that are none": {"callback_keys": [KEY, ""]},
        "a callback key with half a letter": {"callback_keys": [f"{KEY}\ud800"]},
        "a bad order": {"signature_order": canaries.API_SECRET},
    }


async def _constructed(client: type[Any], options: dict[str, Any], scene: Scene) -> None:
    scene.clients.append(client(**{**credentials_of(client), **options}))


async def _by_position(client: type[Any], scene: Scene) -> None:
    client(KEY, canaries.API_SECRET)


async def _proxied(client: type[Any], scene: Scene) -> None:
    """Create a client with a proxy, whose attributes and repr are then searched."""
    made(client, scene, proxy=f"http://user:{PROXY_PASSWORD}@proxy.example:3128")


# Arguments


def _arguments() -> dict[str, Callable[[Any], Awaitable[Any]]]:
    def user(**arguments: Any) -> Callable[[Any], Awaitable[Any]]:
        return lambda c: c.resellers.create_user(**{"email": "a@b.example", **arguments})

    def file(document: Any, **arguments: Any) -> Callable[[Any], Awaitable[Any]]:
        return lambda c: c.kyc.create_file(5, document=document, **arguments)

    def instruction(body: Any) -> Callable[[Any], Awaitable[Any]]:
        return lambda c: c.funding.create_withdrawal_instruction(body=body)

    texts = ("country", "currency", "bank", "name", "city", "address", "phone", "cuit", "bank_account_number")
    return {
        "a password with a line": user(password=f"{PASSWORD}\n"),
        "a password that is too long": user(password=PASSWORD * 20),
        "a password in bytes": user(password=PASSWORD.encode()),
        "a password in a list": user(password=[PASSWORD]),
        "a password with half a letter": user(password=f"{PASSWORD}\ud800"),
        "a password by position": lambda c: c.resellers.create_user(PASSWORD, email="a@b.example"),
        "a password under a wrong name": user(pasword=PASSWORD),
        "a password twice": lambda c: c.resellers.create_user(PASSWORD, PASSWORD, email="a@b.example"),
        "a password and a wrong address": user(email=5, password=PASSWORD),
        "a password where a number goes": lambda c: c.kyc.update_profile(PASSWORD, first_name=DETAILS),
        "a date that is none": lambda c: c.kyc.update_default_profile(birth_date=DETAILS, first_name=DETAILS),
        "a name with a line": lambda c: c.kyc.update_default_profile(first_name=f"{DETAILS}\n"),
        "a document that is missing": file("/no/such/file", document_content_type=5),
        "a document of no format": file(DOCUMENT[8:]),
        "a document that is too large": file(DOCUMENT * 20_000),
        "a document that is empty": file(b""),
        "a document as text": file(io.StringIO(DOCUMENT.decode("latin-1"))),
        "a document that is none": file({"document": DOCUMENT}),
        "a document in a folder": file(Path(__file__).parent),
        "an instruction with a float": instruction({"amount": 0.5, "to": DETAILS}),
        "an instruction that is none": instruction(DETAILS),
        "an instruction with half a letter": instruction({"to": f"{DETAILS}\ud800"}),
        "an instruction without an end": instruction(_endless()),
        "a bad instruction": instruction(DomesticBank(**dict.fromkeys(texts, DETAILS), account_type=DETAILS)),
    }


def _endless() -> dict[str, Any]:
    body: dict[str, Any] = {"to": DETAILS}
    body["again"] = body
    return body


async def _called(make: Callable[[Any], Awaitable[Any]], scene: Scene) -> None:
    await called(scene, Call(Bitex, make), Watching(scene, lambda _: httpx.Response(418)))


# Callbacks


def _callbacks() -> dict[str, Callable[[], Any]]:
    body = json.dumps({"api_key": KEY, "payment": {"id": KEY, "status": KEY}}).encode()
    mine, nobodys, others = Callbacks([KEY]), Callbacks([]), Callbacks(["another"])
    return {
        "a payment that is none": lambda: mine.payment(body),
        "a payment for somebody else": lambda: others.payment(body),
        "a payment for nobody": lambda: nobodys.payment(body),
        "a payment, garbled": lambda: mine.payment(body[:-2]),
        "a payment as text": lambda: mine.payment(body.decode()),  # type: ignore[arg-type]
        "a payment, much too large": lambda: mine.payment(body * 20_000),
        "a payment with half a letter": lambda: mine.payment(b'{"api_key": "' + KEY[:20].encode() + b'\\ud800"}'),
        "a webhook for nobody": lambda: nobodys.webhook({"Webhook-Auth": KEY}, body),
        "a webhook that is none": lambda: mine.webhook({"Webhook-Auth": KEY}, body),
        "a webhook with odd headers": lambda: mine.webhook([(KEY, None)], body),  # type: ignore[list-item]
    }


async def _read(read: Callable[[], Any], _: Scene) -> None:
    read()
