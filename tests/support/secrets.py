"""Texts that must not show anywhere, the spellings a server may use for them, and a detector for the rest of one.

Every canary repeats a motif of three letters, so that any part left after cutting, encoding and escaping still holds
the motif. Signatures are computed by the library: they are noted where requests arrive.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus

import httpx
from attrs import define, field

MOTIFS = {
    "api_key": "zQ7",
    "api_secret": "xJ5",
    "client_id": "wV3",
    "password": "vK4",
    "details": "qY6",
    "document": "kX8",
    "proxy password": "jZ9",
}


def _canary(name: str) -> str:
    """Build a text with every character that some encoding changes."""
    motif = MOTIFS[name]
    return motif * 4 + "".join(f"{odd}{motif * 2}" for odd in "+/=&%\"\\<'") + motif * 4


API_KEY, API_SECRET, CLIENT_ID = _canary("api_key"), _canary("api_secret"), _canary("client_id")
PASSWORD = _canary("password")
DETAILS = f"{_canary('details')} á {MOTIFS['details'] * 6}"
DOCUMENT = b"\x89PNG\r\n\x1a\n" + MOTIFS["document"].encode() * 400
PROXY_PASSWORD = _canary("proxy password")

SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "percent-encoded": lambda s: quote(s, safe=""),
    "percent-encoded in small letters": lambda s: re.sub("%..", lambda m: m[0].lower(), quote(s, safe="")),
    "percent-encoded twice": lambda s: quote(quote(s, safe=""), safe=""),
    "as in a form": quote_plus,
    "in capital letters": str.upper,
    "in small letters": str.lower,
    "as in JSON": lambda s: json.dumps(s)[1:-1],
    "as in JSON in JSON": lambda s: json.dumps(json.dumps(s))[1:-1],
    "in code points": lambda s: "".join(f"\\u{ord(c):04X}" for c in s),
    "as in HTML": lambda s: html.escape(s).replace("+", "&#43;").replace("/", "&#x2F;"),
    "in base64": lambda s: base64.b64encode(s.encode()).decode(),
    "in base64 for addresses, inside more": lambda s: base64.urlsafe_b64encode(f"Bearer {s}:x".encode()).decode(),
    "in base64, one further": lambda s: base64.b64encode(f"ab{s}".encode()).decode(),
    "in hex": lambda s: s.encode().hex(),
    "cut short": lambda s: s[:19],
    "cut from the front": lambda s: s[-19:],
    "at the edge of 200 characters": lambda s: f"{'.' * 195}{s}",
    "many times": lambda s: f"{s} " * 90,
}


def signatures(verb: str, target: str, headers: Iterable[tuple[str, str]], body: bytes) -> Iterator[str]:
    """Yield the signature of a request, wherever its scheme puts it."""
    for name, value in headers:
        if name.lower() == "x-auth-signature" or name.lower() == "x-signature":
            yield value
        elif name.lower() == "authorization" and value.startswith("Bitso "):
            yield value.rpartition(":")[2]
    text = body.decode("latin-1")
    fields: Any = json.loads(text) if text[:1] == "{" else dict(parse_qsl(text))
    if "signature" in fields:
        yield fields["signature"]


@define(eq=False)
class Detector:
    """Finds parts of canaries and of noted signatures."""

    caught: list[str] = field(factory=list[str])
    _letters: dict[str, str] = field(factory=dict[str, str])
    _exact: dict[str, str] = field(factory=dict[str, str])
    _pieces: set[str] = field(factory=set[str])

    def __attrs_post_init__(self) -> None:
        for name, motif in MOTIFS.items():
            self._letters[motif.lower()] = name
            self._letters[(motif * 2).encode().hex()] = name
            for n in range(3):
                turned = (motif * 2)[n : n + 3]
                self._exact[base64.b64encode(turned.encode()).decode()] = name

    def catch(self, request: httpx.Request) -> None:
        """Note the signature of a request that arrived."""
        self.note(request.method, str(request.url), request.headers.items(), request.content)

    def note(self, verb: str, target: str, headers: Iterable[tuple[str, str]], body: bytes) -> None:
        """Note the signature of a request that arrived as these parts."""
        for signature in signatures(verb, target, headers, body):
            self.caught.append(signature)
            # Eight characters in a row are enough to recognize one, and too many to appear by chance.
            for shape in (signature.lower(), signature.encode().hex()):
                self._pieces.update(_windows(shape, 8))
            for shift in range(3):
                code = base64.b64encode(bytes(shift) + signature.encode()).decode().rstrip("=")
                self._pieces.update(_windows(code[4:-4], 12))

    def find(self, text: str) -> list[str]:
        """Return the names of the secrets of which a part shows in *text*."""
        low = re.sub(r"\\u00([0-9a-f]{2})", lambda m: chr(int(m[1], 16)), text.lower()).lower()
        found = {name for motif, name in self._letters.items() if motif in low}
        found |= {name for motif, name in self._exact.items() if motif in text}
        if self._pieces:
            runs, codes = set(re.findall(r"[0-9a-f]{8,}", low)), set(re.findall(r"[\w+/-]{24,}", text))
            if any(not self._pieces.isdisjoint(_windows(run, 8)) for run in runs) or any(
                not self._pieces.isdisjoint(_windows(code, 12)) for code in codes
            ):
                found.add("signature")
        return sorted(found)


def _windows(text: str, size: int) -> Iterator[str]:
    return (text[n : n + size] for n in range(len(text) - size + 1))
