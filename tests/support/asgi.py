"""A host for ASGI applications on loopback, as small as tests need it."""

import asyncio
from contextlib import asynccontextmanager

from exchanges.simulator.http.messages import HttpAnswer
from exchanges.simulator.server import Listener


@asynccontextmanager
async def hosted(application):
    """Serve *application* over real sockets while the block lasts; gives its origin."""
    tasks = set()

    async def carry(request, reply):
        received = [{"type": "http.request", "body": request.body, "more_body": False}]
        sent = []

        async def receive():
            return received.pop()

        async def send(message):
            sent.append(message)

        scope = {
            "type": "http",
            "method": request.verb,
            "path": request.path,
            "headers": list(request.headers.items()),
        }
        await application(scope, receive, send)
        reply(HttpAnswer(sent[0]["status"], sent[1]["body"], "text/plain"))

    def take(request, reply, _fault):
        task = asyncio.ensure_future(carry(request, reply))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    listener = Listener(take, lambda _: None)
    port = await listener.start("127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await listener.stop()
        await asyncio.gather(*tasks)
