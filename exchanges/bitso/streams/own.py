"""Own orders at Bitso, which has no private channel: found in public ones, and confirmed by private reads."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from exchanges.bitso.models.trading import UserTrade
from exchanges.bitso.streams.models import OwnOrder
from exchanges.bitso.streams.own_events import MOST, OwnEvents
from exchanges.endpoint.tracebacks import strip
from exchanges.errors import ExchangeError
from exchanges.streams.channel import Channel
from exchanges.streams.live import Lossless

if TYPE_CHECKING:
    from exchanges.streams.owner import Owner

__all__ = ["OwnOrders"]

OwnItem: TypeAlias = OwnOrder | UserTrade


class OwnOrders(Lossless[OwnItem]):
    """Events and trades of own orders: an iterator over `OwnOrder`, `UserTrade` and `Gap`."""

    def __init__(self, hub: Owner, channel: Channel, arguments: Mapping[str, str], options: Mapping[str, Any]) -> None:
        super().__init__(hub, channel, arguments, options)
        self._events = OwnEvents(hub, arguments, self.label, self._buffer)

    @property
    def is_live(self) -> bool:
        """Whether the exchange sends both channels at this moment."""
        streams = self._events.streams
        return bool(streams) and all(stream.is_live for stream in streams)

    async def __aenter__(self) -> Self:
        """Subscribe to both channels, and read which orders are open.

        Raises:
            ExchangeError: As other streams; the first private read fails without a key.
        """
        self._begin_entering()
        try:
            await self._events.enter(*self._channels())
        except BaseException as error:
            await self._events.leave()
            if isinstance(error, ExchangeError):
                strip(error)
            raise
        self._watch(self._events.leave)
        return self

    def _channels(self) -> tuple[Lossless[Any], Lossless[Any]]:
        from exchanges.bitso.streams import Streams  # noqa: PLC0415 - it declares this one

        channels = {channel.id.rpartition(".")[2]: channel for channel in Streams.channels}
        options = {"buffer": MOST, "timeout_seconds": self._options.get("timeout_seconds")}
        changes, trades = (
            Lossless[Any](self._hub, channels[name], self._arguments, options) for name in ("diff_orders", "trades")
        )
        return changes, trades

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release both channels."""
        self._unwatch()
        await self._events.leave()
