import httpx
import pytest

from exchanges import NoTrace, Reconciled
from exchanges.errors import NonceRejected, OutcomeUnknown
from tests.support.lagging_exchange import ANSWERED, Lagging, begin, placing
from tests.support.scripted_transport import refusal
from tests.support.virtual_time import in_virtual_time


class Between(httpx.AsyncBaseTransport):
    """Something between that repeats a request when the answer is lost; the exchange refuses the second one."""

    def __init__(self, exchange):
        self.exchange, self.mode = exchange, None

    async def handle_async_request(self, request):
        if self.mode is None or request.method == "GET":
            return await self.exchange.handle_async_request(request)
        if self.mode == "executed":
            await self.exchange.handle_async_request(request)
        return refusal("nonce")


@in_virtual_time
@pytest.mark.parametrize(("mode", "verdict"), [("executed", Reconciled), ("refused", NoTrace)])
async def test_a_nonce_that_was_refused_the_second_time(mode, verdict):
    """A refused nonce that was larger than all before proves nothing: reading the orders does."""
    line = Between(Lagging([ANSWERED, ANSWERED]))
    async with placing(line) as client:
        await begin(client)
        line.mode = mode
        with pytest.raises(OutcomeUnknown) as caught:
            await client.orders.buy(amount=3, price=5)
        told = await client.reconcile(caught.value.intent)

        assert (NonceRejected, verdict, 0) == (type(caught.value.__cause__), type(told), len(client.unresolved))
