"""A plugin of pytest, `-p tests.support.on_uvloop`: the event loops of the tests are those of uvloop."""

import asyncio

import uvloop

asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
