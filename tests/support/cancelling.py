"""The ways in which callers leave a call after some seconds; each returns whether the call was cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import anyio

Call = Callable[[], Awaitable[Any]]


async def by_cancel(call: Call, seconds: float, times: int = 1) -> bool:
    """Cancel the task of the call."""
    task = asyncio.ensure_future(call())
    await asyncio.wait([task], timeout=seconds)
    for _ in range(times):
        task.cancel()
    await asyncio.wait([task])
    return task.cancelled()


async def by_cancelling_twice(call: Call, seconds: float) -> bool:
    """Cancel the task of the call two times in one tick."""
    return await by_cancel(call, seconds, times=2)


async def by_timeout(call: Call, seconds: float) -> bool:
    """Leave the call by `asyncio.timeout`."""
    try:
        async with asyncio.timeout(seconds):
            await call()
    except TimeoutError:
        return True
    return False


async def by_wait_for(call: Call, seconds: float) -> bool:
    """Leave the call by `asyncio.wait_for`."""
    try:
        await asyncio.wait_for(call(), seconds)
    except TimeoutError:
        return True
    return False


async def by_scope(call: Call, seconds: float) -> bool:
    """Leave the call by a cancel scope of anyio."""
    with anyio.move_on_after(seconds) as scope:
        await call()
    return scope.cancelled_caught


async def by_task_group(call: Call, seconds: float) -> bool:
    """Leave the call because another task of its group fails."""

    async def fail() -> None:
        await asyncio.sleep(seconds)
        raise ZeroDivisionError

    try:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(call())  # type: ignore[arg-type]  # calls are coroutine functions
            group.create_task(fail())
    except* ZeroDivisionError:
        pass
    return task.cancelled()


WAYS = (by_cancel, by_cancelling_twice, by_timeout, by_wait_for, by_scope, by_task_group)
