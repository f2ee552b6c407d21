"""Uploads: files whose size is known before the first byte is sent, and whose content is read while it is sent."""

from __future__ import annotations

import asyncio
import importlib
import io
import os
import re
import stat
import threading
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from attrs import field

from exchanges.values import frozen

__all__ = ["Document", "Upload"]

CHUNK = 64 * 1024
_UNSAFE = r"[^ !#-\[\]-~]"

Document = bytes | str | os.PathLike[str] | BinaryIO
"""What can be uploaded: the content, a path to it, or a file open for reading bytes."""


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


@frozen(eq=False)
class Upload:
    """One file to send.

    Attributes:
        name: File name for the exchange, without a path.
        content_type: Such as ``image/png``.
        size: Bytes.
    """

    name: str = field(repr=False)  # it may be the name of a person
    content_type: str
    size: int
    _open: Callable[[], _Readable] = field(repr=False)

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Read exactly *size* bytes of the content, in pieces, in a worker thread.

        Whoever stops early closes the generator, which closes the file.

        Raises:
            OSError: The file cannot be read, or is shorter than it was.
        """
        left = self.size  # the length is sent already: a file that grew must not add to it
        from anyio import to_thread  # noqa: PLC0415 - loaded already, by `of`

        source = _Source(self._open)
        try:
            while left:
                chunk = await to_thread.run_sync(source.read, min(CHUNK, left))
                left -= len(chunk)
                yield chunk
        except BaseException:
            # Not awaited: on a disk that hangs, closing hangs too, and the deadline has passed already.
            closing = asyncio.get_running_loop().run_in_executor(None, source.close)
            closing.add_done_callback(_retrieve)
            raise
        await to_thread.run_sync(source.close)

    @classmethod
    def of(
        cls,
        document: Document,
        *,
        name: str | None = None,
        content_type: str | None = None,
        accepted: Collection[str],
        max_bytes: int,
    ) -> Upload:
        """Check *document* without reading all of it.

        Args:
            document: Content, path, or a file open for reading bytes; that is read from its current position.
            name: File name; default: that of the path, or ``document``.
            content_type: Default: guessed from the name.
            accepted: The content types that the exchange accepts.
            max_bytes: The largest file that it accepts.

        Raises:
            ValueError: There is no such file, it is empty or too large, or its type is not accepted.
        """
        try:
            found, size, source = _look(document)
        except OSError as error:
            raise ValueError(f"must be a file that can be read ({error.strerror or type(error).__name__})") from None
        finally:
            document = b""  # it may be the content itself, and a traceback may show locals
        name = name or found
        import mimetypes  # noqa: PLC0415 - few clients upload files

        # With what it loads itself when it is first used: then the first bytes were sent.
        importlib.import_module("anyio.to_thread")
        importlib.import_module("anyio._backends._asyncio")

        kind = content_type or mimetypes.guess_type(name)[0] or "unknown"
        if kind not in accepted:
            raise ValueError(f"must be one of {', '.join(sorted(accepted))}, not {kind}")
        if not 0 < size <= max_bytes:
            raise ValueError(f"must hold between 1 and {max_bytes} bytes, not {size}")
        return cls(_plain_name(name), kind, size, source)


def _retrieve(closing: asyncio.Future[None]) -> None:
    """Retrieve the exception of a future, as asyncio reports it otherwise."""
    if not closing.cancelled():
        closing.exception()


class _Source:
    """A file that is opened, read and closed in worker threads, never by the event loop.

    A request that ends while a read hangs closes the source at once; the thread that reads closes the file when the
    read returns.
    """

    def __init__(self, opening: Callable[[], _Readable]) -> None:
        self._open = opening
        self._file: _Readable | None = None
        self._lock = threading.Lock()
        self._is_reading = self._is_closed = False

    def read(self, size: int) -> bytes:
        """Open the file if it is not open, and read up to *size* bytes, at least one."""
        with self._lock:
            if self._is_closed:  # cancelled before a thread was free
                raise OSError("the file is not read any more")
            self._is_reading = True
        try:
            if self._file is None:
                self._file = self._open()
            if chunk := self._file.read(size):
                return chunk
            raise OSError("the file became shorter while it was sent")
        finally:
            with self._lock:
                self._is_reading = False
                is_closed = self._is_closed
            if is_closed:
                self._close_file()

    def close(self) -> None:
        """Close the file, or let the read that is running close it."""
        with self._lock:
            self._is_closed = True
            if self._is_reading:
                return
        self._close_file()

    def _close_file(self) -> None:
        with suppress(OSError):  # everything was read, or nobody is interested any more
            if self._file is not None:
                self._file.close()


class _Borrowed:
    """A file that belongs to the caller: read from its position, never closed."""

    def __init__(self, file: BinaryIO, start: int) -> None:
        file.seek(start)
        self.read = file.read

    def close(self) -> None:
        """Do nothing: the caller closes the file."""


def _look(document: Document) -> tuple[str, int, Callable[[], _Readable]]:
    """Return name, size and how to open it."""
    if isinstance(document, bytes | bytearray):
        content = bytes(document)
        return "document", len(content), lambda: io.BytesIO(content)
    if isinstance(document, str | os.PathLike):
        return _look_at(Path(document))
    file = document
    if isinstance(cast("object", file), io.TextIOBase) or not file.readable() or not file.seekable():
        raise ValueError("must be a file that is open for reading bytes and can be rewound")
    start = file.tell()
    size = file.seek(0, os.SEEK_END) - start
    file.seek(start)
    return Path(str(getattr(file, "name", "document"))).name, size, lambda: _Borrowed(file, start)


def _look_at(path: Path) -> tuple[str, int, Callable[[], _Readable]]:
    if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for its writer
        raise ValueError("must be a file, not a folder or a device")
    with path.open("rb") as file:  # an error at this point still means that nothing was sent
        size = os.fstat(file.fileno()).st_size
    return path.name, size, lambda: cast("_Readable", path.open("rb"))


def _plain_name(name: str) -> str:
    """Return the name with characters replaced that are not safe between quotation marks in a header."""
    return re.sub(_UNSAFE, "_", Path(name).name) or "document"
