"""What came in place of an answer, in words: an HTML page, JSON that breaks off, nothing. Pure.

Only pages and plain text are quoted, with their secrets removed. Of JSON only the kind is named: its values belong to
the account, whatever is wrong with its shape. Nothing here parses: an answer that cannot be read may be large.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from exchanges.errors import quotable
from exchanges.http.answer import Answer
from exchanges.wire.codecs import without_mark

QUOTED = 60
"""Characters of a page or text that are quoted."""
_SEARCHED = 4000
# Compiled when an answer is first odd; `re` keeps them.
_PAGE = rb"(?i)\s*<(?:!doctype\s+html|html|head|body|title|h1|center)\b"
_TITLE = r"(?is)<title[^>]*>(.*?)<"
_TAG = r"<[^>]*>"
_ENDS = {b"{": (b"}", "a JSON object"), b"[": (b"]", "a JSON list"), b'"': (b'"', "a JSON text")}
_WORD = rb"(?:null|true|false|-?[0-9][0-9.eE+-]{0,40})"


def is_page(answer: Answer) -> bool:
    """Return whether the body is HTML, whatever its content type."""
    return bool(re.match(_PAGE, without_mark(answer.body)[:_SEARCHED]))


def received(answer: Answer, secrets: Iterable[str] = ()) -> str:
    """Return what the body of *answer* is, with its size; of a page or text with its first characters."""
    if answer.rows is not None:
        return "a JSON list"
    body = without_mark(answer.body).strip()
    size = f"{len(answer.body) / 1000:.0f} kB" if len(answer.body) >= 1000 else f"{len(answer.body)} bytes"
    if not body:
        return f"{size} of blanks" if answer.body else "nothing"
    if is_page(answer):
        return f"an HTML page of {size}{_quoted(_heading(body), secrets)}"
    return _json(body, size) or _text(body, size, secrets)


def _json(body: bytes, size: str) -> str | None:
    if body[:1] in _ENDS:
        end, name = _ENDS[body[:1]]
        return f"{name} of {size}" if body.endswith(end) and len(body) > 1 else f"JSON of {size} that breaks off"
    if re.fullmatch(_WORD, body):
        return f"the JSON value {body.decode()}" if body.isalpha() else f"a JSON number of {size}"
    return None


def _text(body: bytes, size: str, secrets: Iterable[str]) -> str:
    try:
        return f"text of {size}{_quoted(body[:_SEARCHED].decode(), secrets)}"
    except UnicodeDecodeError:
        return f"{size} that are no text"


def _heading(body: bytes) -> str:
    """Return the title of a page, or else the beginning of its text."""
    text = body[:_SEARCHED].decode(errors="replace")
    title = re.search(_TITLE, text)
    return " ".join((title[1] if title else re.sub(_TAG, " ", text)).split())


def _quoted(text: str, secrets: Iterable[str]) -> str:
    # Redacted before it is cut: half of a secret would not be recognised any more.
    shown = quotable(text, secrets)
    if not shown:
        return ""
    return f" ({shown!r})" if len(shown) <= QUOTED else f" ({shown[:QUOTED] + '...'!r})"
