"""What is put into httpx for one request: what follows its progress, and what keeps its secrets from patches."""

from __future__ import annotations

from typing import Any

from attrs import define

__all__ = ["Progress", "Restoring"]


@define(eq=False)
class Progress:
    """Follows what httpcore does with one request.

    Attributes:
        awaits_tunnel: Whether the last request that it began to send was not ours, but one to a proxy to open a tunnel:
            ours is sent through that, and has not begun.
    """

    awaits_tunnel: bool = False

    async def __call__(self, event: str, info: dict[str, Any]) -> None:
        """Record an event of httpcore."""
        if event.endswith("send_request_headers.started"):
            self.awaits_tunnel = getattr(info.get("request"), "method", b"") == b"CONNECT"
        elif not event.endswith(".started"):
            # It is logged at DEBUG afterwards; answers, and errors of proxies, may contain secrets.
            info.clear()


class Restoring:
    """What httpcore connects with, or a connection of it, that sends the true target of a request whose URL hides one.

    It lies below everything that patches replace, so that none of them sees the secret.
    """

    def __init__(self, inner: Any, hidden: bytes, target: bytes) -> None:  # noqa: ANN401 - httpcore's, or a mock
        self._inner, self._hidden, self._target = inner, hidden, target

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as above
        return getattr(self._inner, name)

    def _within(self, inner: Any) -> Restoring:  # noqa: ANN401 - as above
        return Restoring(inner, self._hidden, self._target)

    async def connect_tcp(self, *args: Any, **options: Any) -> Restoring:  # noqa: ANN401 - as above
        """Connect, and return what restores the target."""
        return self._within(await self._inner.connect_tcp(*args, **options))

    async def start_tls(self, *args: Any, **options: Any) -> Restoring:  # noqa: ANN401 - as above
        """Begin TLS, within which the target is restored."""
        return self._within(await self._inner.start_tls(*args, **options))

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as httpcore has it
        """Write bytes, with the true target in the place of the hidden one."""
        if self._hidden in buffer:  # the head of the request, which is written at once
            buffer, self._hidden = buffer.replace(self._hidden, self._target, 1), self._target
        await self._inner.write(buffer, timeout)
