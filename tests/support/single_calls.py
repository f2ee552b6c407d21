"""Single calls of a client whose answers are scripted."""

from collections.abc import Awaitable, Callable
from typing import Any

from exchanges.client import Client
from tests.support.scripted_transport import Script
from tests.support.virtual_time import run

__all__ = ["ask"]


def ask(client: type[Client], call: Callable[[Any], Awaitable[Any]], script: Script, **options: Any) -> Any:
    """Return what *call* returns when it is answered by *script*."""

    async def asking() -> Any:
        credentials = {"api_key": "k", "api_secret": "s", "client_id": "7"}
        async with client(transport=script, limits=None, **credentials, **options) as opened:
            return await call(opened)

    return run(asking())
