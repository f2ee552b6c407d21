"""A bad line to a simulator in this process, in virtual time: requests and answers get lost, some requests only late.

A request whose connection breaks may still be on its way and arrive when nobody waits for it any more. Each request
bears the label of the call that sent it, so that what was executed is told by call.
"""

from __future__ import annotations

from asyncio import get_running_loop
from collections import defaultdict
from collections.abc import Callable
from contextvars import ContextVar
from random import Random
from typing import Any, TypeAlias, cast

from exchanges.limits.windows import LOST_SECONDS
from exchanges.simulator import Deed, Simulator
from exchanges.simulator.http.delivery import Sending, SendMode
from exchanges.simulator.http.messages import HttpAnswer, HttpRequest, Reply
from tests.support.simulator_in_process import InProcess

LABEL: ContextVar[int] = ContextVar("LABEL", default=0)
"""The label of the current call."""
WAY_SECONDS = (0.005, 0.3)
LATE_SECONDS = LOST_SECONDS - 1
BROKEN = HttpAnswer(0, sending=Sending(SendMode.CLOSED))

Spoil: TypeAlias = Callable[[HttpAnswer, bool], HttpAnswer]


def _whole(answer: HttpAnswer, _: bool) -> HttpAnswer:
    return answer


class BadLine:
    """Stands in for a simulator behind a transport.

    Args:
        simulator: Behind it.
        seed: Where chance begins.
        lost: Probability that an answer is lost, and the same that a request is.
        late_seconds: How late a request arrives, at most, that is given up.
        spoil: Changes an answer; it is told whether it is that to a call that is never repeated.

    Attributes:
        done: What was executed, by the label of the call.
    """

    def __init__(
        self, simulator: Simulator, seed: int, lost: float, *, late_seconds: float = LATE_SECONDS, spoil: Spoil = _whole
    ) -> None:
        self.done: dict[int, list[Deed]] = defaultdict(list)
        self._simulator = simulator
        self._chance = Random(seed)
        self._lost = lost
        self._late_seconds = late_seconds
        self._spoil = spoil
        self._known = 0

    def transport(self) -> InProcess:
        """Create a transport for one client."""
        return InProcess(cast("Any", self), WAY_SECONDS, self._chance.getrandbits(32))

    def receive(self, request: HttpRequest, reply: Reply) -> None:
        """Receive a request, as `Simulator.receive` does."""
        draw, label = self._chance.random(), LABEL.get()
        if draw >= 2 * self._lost:
            self._hand_over(request, label, reply)
        elif draw >= self._lost:
            self._hand_over(request, label, lambda _: reply(BROKEN))
        else:
            # It is given up, and may arrive all the same as long as the client must reckon with it.
            after = self._chance.random() * self._late_seconds
            get_running_loop().call_later(after, self._hand_over, request, label, lambda _: None)
            reply(BROKEN)

    def _hand_over(self, request: HttpRequest, label: int, reply: Reply) -> None:
        def answered(answer: HttpAnswer) -> None:
            new = self._simulator.deeds[self._known :]
            self._known += len(new)
            self.done[label] += new
            reply(self._spoil(answer, any(deed.kind.is_once for deed in new)))

        self._simulator.receive(request, answered)
