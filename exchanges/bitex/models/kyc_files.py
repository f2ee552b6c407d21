"""Documents of a KYC profile, and the formats that Bitex accepts.

Source:
    Bitex developer guide, "Create a KYC File".
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, cast

from attrs import field

from exchanges.http.uploads import Document, Upload
from exchanges.values import frozen
from exchanges.wire import RawJson, Row

MAX_BYTES = 16 * 1024 * 1024  # a bound of this library: the guide names none

ACCEPTED_FORMATS = frozenset(
    {
        "image/jpeg",
        # Quirk: the guide lists image/jpg and application/x-pdf, which are no registered types, beside the proper ones.
        "image/jpg",
        "image/png",
        "image/bmp",
        "image/gif",
        "application/pdf",
        "application/x-pdf",
    }
)
# A wrong extension must not decide what the exchange is told: the first bytes do.
_SIGNATURES = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"BM", "image/bmp"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
)


@frozen
class KycFile(Row):
    """One document of a `KycProfile`. Wire: row of 6, without class reference.

    URL and file name are not in ``repr``: the one opens the document, the other may name a person.

    Source:
        Bitex developer guide, "Create a KYC File".
    """

    id: int
    """Unique among files."""
    kyc_profile_id: int
    """The `KycProfile` that it belongs to."""
    url: str = field(repr=False)
    """URL of the document, valid for a few minutes; list the files again for a new one."""
    file_name: str = field(repr=False)
    """Name under which it was uploaded."""
    content_type: str
    """MIME type, such as ``image/png``."""
    file_size: int
    """Bytes: size of the document."""
    extra: tuple[RawJson, ...] = field(default=(), kw_only=True, repr=False)
    """Surplus cells, as received."""


def fault_of_format(content_type: str) -> str | None:
    """Return what is wrong with a content type."""
    accepted = ", ".join(sorted(ACCEPTED_FORMATS))
    return None if content_type in ACCEPTED_FORMATS else f"must be one of {accepted}"


def upload_of(document: object) -> Upload:
    """Build the upload of a document; its type is detected from its first bytes, otherwise from its name.

    Raises:
        TypeError: Not a document.
        ValueError: Not of an accepted format, empty, too large, or not readable.
    """
    if isinstance(document, Upload):
        if fault := fault_of_format(document.content_type):
            raise ValueError(fault)
        return document
    head = _head(document)
    kind = next((kind for signature, kind in _SIGNATURES if head.startswith(signature)), None)
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
        if not path.is_file():  # opening a pipe would wait for its writer
            return b""
        with path.open("rb") as file:
            return file.read(8)
    except OSError:
        return b""  # `Upload.of` reports the reason


def _head_of_file(file: BinaryIO) -> bytes:
    if not file.readable() or not file.seekable():
        return b""
    start = file.tell()
    head: object = file.read(8)
    file.seek(start)  # the upload begins where the caller left the file
    if not isinstance(head, bytes):
        raise TypeError("must be open for reading bytes, not text")
    return head
