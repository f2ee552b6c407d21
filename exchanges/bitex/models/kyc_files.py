"""Documents that prove who somebody is, and the formats in which Bitex takes them.

Source:
    Bitex developer guide, "Create a KYC File".
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, cast

from attrs import field, frozen

from exchanges.http.uploads import Document, Upload
from exchanges.wire import RawJson, Row

__all__ = ["ACCEPTED_FORMATS", "KycFile", "fault_of_format", "upload_of"]

MAX_BYTES = 16 * 1024 * 1024  # the guide names no size

ACCEPTED_FORMATS = frozenset(
    {
        "image/jpeg",
        "image/jpg",
        "image/png",
        "image/bmp",
        "image/gif",
        "application/pdf",
        "application/x-pdf",
    }
)
_BEGINNINGS = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"BM", "image/bmp"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
)


@frozen
class KycFile(Row):
    """One document of a `KycProfile`. Wire: row of 6, without class reference.

    Address and file name are not printed: the one opens the document, the other may name a person.

    Source:
        Bitex developer guide, "Create a KYC File".
    """

    id: int
    """Unique among files."""
    kyc_profile_id: int
    """The `KycProfile` it belongs to."""
    url: str = field(repr=False)
    """Where to fetch it, for a few minutes only; list the files again for a fresh address."""
    file_name: str = field(repr=False)
    """As it was uploaded."""
    content_type: str
    """Such as ``image/png``."""
    file_size: int
    """Bytes."""
    extra: tuple[RawJson, ...] = field(default=(), kw_only=True, repr=False)
    """Surplus cells, as they came."""


def fault_of_format(content_type: str) -> str | None:
    """Say what is wrong with a content type."""
    accepted = ", ".join(sorted(ACCEPTED_FORMATS))
    return None if content_type in ACCEPTED_FORMATS else f"must be one of {accepted}"


def upload_of(document: object) -> Upload:
    """Make what is sent, its type told from how the content begins, or else from the name.

    Raises:
        TypeError: No document.
        ValueError: Of no accepted format, empty, too large, or not to be read.
    """
    if isinstance(document, Upload):
        if fault := fault_of_format(document.content_type):
            raise ValueError(fault)
        return document
    kind = next((kind for beginning, kind in _BEGINNINGS if _head(document).startswith(beginning)), None)
    return Upload.of(cast("Document", document), content_type=kind, accepted=ACCEPTED_FORMATS, max_bytes=MAX_BYTES)


def _head(document: object) -> bytes:
    if isinstance(document, bytes | bytearray):
        return bytes(document[:8])
    if isinstance(document, str | os.PathLike):
        return _head_at(Path(cast("str | os.PathLike[str]", document)))
    if not callable(getattr(document, "read", None)):
        raise TypeError(f"must be bytes, a path or an open file, not {type(document).__name__}")
    return _head_of_file(cast("BinaryIO", document))


def _head_at(path: Path) -> bytes:
    try:
        if not path.is_file():  # a pipe would wait for its writer
            return b""
        with path.open("rb") as file:
            return file.read(8)
    except OSError:
        return b""  # `Upload.of` says why


def _head_of_file(file: BinaryIO) -> bytes:
    if not file.readable() or not file.seekable():
        return b""
    start = file.tell()
    head: object = file.read(8)
    file.seek(start)
    if not isinstance(head, bytes):
        raise TypeError("must be open for reading bytes, not text")
    return head
