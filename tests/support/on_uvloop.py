"""A plugin of pytest, `-p tests.support.on_uvloop`: the event loops of the tests are those of uvloop."""

import asyncio

import pytest
import uvloop

asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())

STEERING = frozenset(
    {
        "test_a_connection_that_died_in_silence",
        "test_a_look_up_that_hangs",
        "test_a_look_up_without_a_thread",
        "test_a_name_is_looked_up_once",
        "test_a_name_that_does_not_exist",
        "test_a_name_that_is_not_found_in_time",
        "test_addresses_that_refuse",
        "test_an_attempt_that_is_cancelled_from_outside",
        "test_closed_at_once",
        "test_dripping",
        "test_families_in_turn",
        "test_no_name",
        "test_several_addresses",
        "test_shutting_down_while_connections_arrive_is_quiet",
        "test_tasks_that_are_cancelled_from_outside",
        "test_the_connection_that_was_used_last",
    }
)
"""Tests that set the clock of asyncio's own loop, replace how it looks up names, or count its turns."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what only asyncio's own loop can be made to do."""
    for item in items:
        if item.name.partition("[")[0] in STEERING:
            item.add_marker(pytest.mark.skip(reason="steers asyncio's own loop"))
