"""A state that is opened and used once."""

import asyncio

from exchanges.state import FileState
from tests.support.file_states import KEY, SERVER, call, shared_limiter_of


def use(path):
    """Open, read and write."""

    async def everything():
        await call(shared_limiter_of(state, (100, 600.0)), in_order=True)
        state.journal.entries(SERVER, KEY)

    # Adopted, as what is damaged here is written to another file.
    with FileState(path, adopt=True) as state:
        asyncio.run(everything())
