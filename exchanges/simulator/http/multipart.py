"""Parser of multipart forms with files (RFC 7578), as far as clients use them."""

from __future__ import annotations

import re

from exchanges.simulator.engine.rejections import Reason, Refused, refuse_if
from exchanges.wire import Json

_BOUNDARY = re.compile(r';\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))', re.ASCII)
_NAME = re.compile(r';\s*name="([^"]*)"')
_FILE_NAME = re.compile(r';\s*filename="([^"]*)"')


def read_multipart(content_type: str, body: bytes) -> dict[str, Json]:
    """Parse the fields of a form; a file becomes an object with ``file_name``, ``content_type`` and ``size``.

    Raises:
        Refused: Not a multipart form, or a field is given twice.
    """
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise Refused(Reason.UNREADABLE, text="no boundary")
    opening = b"--" + (found[1] or found[2]).encode()
    # A boundary follows a line break; the first one has none before it unless one is added.
    start, *parts = (b"\r\n" + body).split(b"\r\n" + opening)
    if start or len(parts) < 2 or not parts.pop().startswith(b"--"):
        raise Refused(Reason.UNREADABLE, text="no form of several parts")
    fields = dict(map(_part, parts))
    refuse_if(len(fields) < len(parts), Reason.UNREADABLE, text="an argument was given twice")
    return fields


def _part(part: bytes) -> tuple[str, Json]:
    """Parse one part: its name and its content."""
    head, gap, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    lines = [line.partition(":") for line in head.decode("utf-8", "replace").split("\r\n")]
    headers = {name.strip().lower(): value.strip() for name, _, value in lines}
    disposition = headers.get("content-disposition", "")
    name, file_name = _NAME.search(disposition), _FILE_NAME.search(disposition)
    if not gap or name is None:
        raise Refused(Reason.UNREADABLE, text="a part without a name")
    if file_name is None:
        return name[1], content.decode("utf-8", "replace")
    kind = headers.get("content-type", "application/octet-stream")
    return name[1], {"file_name": file_name[1], "content_type": kind, "size": len(content)}
