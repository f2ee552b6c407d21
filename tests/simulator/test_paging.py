from decimal import Decimal

import pytest

from exchanges.simulator import Venue
from tests.support.simulator_days import playing_bitso, playing_bitstamp

ROWS = 1000


@pytest.mark.parametrize("venue", [Venue.BITSO, Venue.BITSTAMP])
async def test_rows_that_arrive_while_paging_neither_hide_nor_repeat_others(venue):
    """Of 1,000 rows with equal times each is listed once, though a new one arrives before every page."""
    playing, currency = (playing_bitso, "mxn") if venue is Venue.BITSO else (playing_bitstamp, "usd")
    async with playing() as (sim, client, _):
        backstage, account = (
            (sim.bitso, client.v2.account) if venue is Venue.BITSO else (sim.bitstamp, client.v1.account)
        )
        for number in range(1, ROWS + 1):
            backstage.deposit(currency, Decimal(number))
        seen = []
        async for row in account.every_user_transaction(page_size=100):
            if len(seen) % 100 == 0:
                backstage.deposit(currency, Decimal(ROWS + 1 + len(seen)))
            seen.append(row.amounts[currency])

        assert list(range(ROWS, 0, -1)) == [amount for amount in seen if amount <= ROWS]
