"""What a fault does to an answer: the answer that replaces it, or the change that is made to it."""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Callable
from email.utils import formatdate
from typing import TypeAlias

from attrs import evolve, frozen

from exchanges.simulator.engine.rejections import Reason, Refused
from exchanges.simulator.faults.json_changes import change_json
from exchanges.simulator.faults.plan import DrawnFault
from exchanges.simulator.faults.points import FaultPoint, Faults
from exchanges.simulator.http.delivery import Sending, SendMode
from exchanges.simulator.http.messages import HttpAnswer, HttpRequest

Refuse: TypeAlias = Callable[[Refused], HttpAnswer]
"""Builds the answer by which the exchange rejects a request."""

HTML = "text/html; charset=UTF-8"
HOUR_SECONDS = 3600
RETRY_SECONDS = 2
AGES_SECONDS = 10**12
CHUNK_BYTES = 1024 * 1024
# Each looks like a number or a date to some parser, and is neither by RFC 9110 section 10.2.3.
GARBAGE = ("soon", "1e3", "0x10", "2.5", "Tomorrow, 12:00", "nan", "")
_FIREWALL = b"""<!DOCTYPE html>
<html lang="en-US"><head><title>Attention Required! | Cloudflare</title></head>
<body><h1>Sorry, you have been blocked</h1><p>You are unable to access this exchange.</p></body></html>
"""
_GATEWAY = b"""<html>\r
<head><title>502 Bad Gateway</title></head>\r
<body><center><h1>502 Bad Gateway</h1></center><hr><center>nginx</center></body>\r
</html>\r
"""
_BROKEN = b"""<!DOCTYPE html>
<html><head><title>We're sorry, but something went wrong (500)</title></head>
<body><h1>We're sorry, but something went wrong.</h1></body></html>
"""
_BLOCKED = HttpAnswer(403, _FIREWALL, HTML, (("Server", "cloudflare"),))
_BAD_GATEWAY = HttpAnswer(502, _GATEWAY, HTML)
_SOMETHING_WRONG = HttpAnswer(500, _BROKEN, HTML)


@frozen
class FaultEffect:
    """The effect of one fault on one request.

    Attributes:
        point: Where it fails.
        drawn: The fault as it was drawn; its generator decides the details.
        faults: Settings of all faults.
        request: The request that is hit.
        refuse: Builds the answer by which the exchange rejects a request.
        now: Seconds since 1970, on the simulated clock.
    """

    point: FaultPoint
    drawn: DrawnFault
    faults: Faults
    request: HttpRequest
    refuse: Refuse
    now: float

    def replacement(self) -> HttpAnswer:
        """Return the answer to a request that is not executed because of the fault."""
        build = _REPLACEMENTS.get(self.point)
        return HttpAnswer(0, sending=self.sending()) if build is None else build(self)

    def apply_to(self, answer: HttpAnswer) -> HttpAnswer:
        """Return the *answer* to an executed request as the fault changes it."""
        change = _CHANGES.get(self.point)
        if change is not None:
            return change(self, answer)
        body = change_json(self.point, answer.body, self.drawn.random)
        return evolve(answer, body=body, sending=self.sending())

    def sending(self) -> Sending:
        """Return how the answer is sent."""
        mode, random = _MODES.get(self.point, SendMode.WHOLE), self.drawn.random
        pause_seconds = self.faults.drip_seconds if mode is SendMode.DRIPPED else 0.0
        return Sending(mode, random.random(), random.random() < 0.5, pause_seconds)

    def too_many_requests(self, retry_after: str | None = None) -> HttpAnswer:
        """Return a rejection for too many requests, with *retry_after* as its `Retry-After` unless None."""
        rejection = self.refuse(Refused(Reason.TOO_MANY_REQUESTS))
        return rejection if retry_after is None else evolve(rejection, headers=(("Retry-After", retry_after),))

    def http_date(self, seconds: int) -> str:
        """Format the moment *seconds* from now as an HTTP date."""
        return formatdate(self.now + seconds, usegmt=True)

    def redirect(self) -> HttpAnswer:
        """Return a redirect to the same path on `Faults.redirect_to`."""
        status = self.drawn.random.choice((302, 307))
        location = self.faults.redirect_to + self.request.path
        return HttpAnswer(status, b"<html>Moved</html>", HTML, (("Location", location),))

    def gzip_bomb(self, answer: HttpAnswer, layers: int) -> HttpAnswer:
        """Return *answer* compressed *layers* times behind `Faults.bomb_bytes` of white space."""
        # The JSON stays valid behind the spaces: only a bound on the size can tell the bomb from an answer.
        body = compressed_spaces(answer.body, self.faults.bomb_bytes)
        if layers > 1:
            body = gzip.compress(body, mtime=0)
        return evolve(answer, body=body, headers=(("Content-Encoding", ", ".join(["gzip"] * layers)),))


_REPLACEMENTS: dict[FaultPoint, Callable[[FaultEffect], HttpAnswer]] = {
    FaultPoint.TOO_MANY_REQUESTS: lambda effect: effect.too_many_requests(),
    FaultPoint.TOO_MANY_REQUESTS_SECONDS: lambda effect: effect.too_many_requests(str(RETRY_SECONDS)),
    FaultPoint.TOO_MANY_REQUESTS_DATE: lambda effect: effect.too_many_requests(effect.http_date(RETRY_SECONDS)),
    FaultPoint.TOO_MANY_REQUESTS_PAST: lambda effect: effect.too_many_requests(effect.http_date(-HOUR_SECONDS)),
    FaultPoint.TOO_MANY_REQUESTS_GARBAGE: lambda effect: effect.too_many_requests(effect.drawn.random.choice(GARBAGE)),
    FaultPoint.TOO_MANY_REQUESTS_NEGATIVE: lambda effect: effect.too_many_requests(str(-RETRY_SECONDS)),
    FaultPoint.TOO_MANY_REQUESTS_HUGE: lambda effect: effect.too_many_requests(str(AGES_SECONDS)),
    FaultPoint.REFUSE_NONCE: lambda effect: effect.refuse(Refused(Reason.WRONG_NONCE)),
    FaultPoint.HTML_403: lambda _: _BLOCKED,
    FaultPoint.HTML_502: lambda _: _BAD_GATEWAY,
    FaultPoint.REDIRECT: lambda effect: effect.redirect(),
}
_CHANGES: dict[FaultPoint, Callable[[FaultEffect, HttpAnswer], HttpAnswer]] = {
    FaultPoint.ANSWER_404: lambda effect, _: effect.refuse(Refused(Reason.NO_SUCH_PATH)),
    FaultPoint.ANSWER_500: lambda _, __: _SOMETHING_WRONG,
    FaultPoint.HTML_502_AFTER_EXECUTING: lambda _, __: _BAD_GATEWAY,
    FaultPoint.REDIRECT_AFTER_EXECUTING: lambda effect, _: effect.redirect(),
    FaultPoint.GARBLE: lambda effect, answer: evolve(answer, body=effect.drawn.random.randbytes(len(answer.body))),
    FaultPoint.GZIP_BOMB: lambda effect, answer: effect.gzip_bomb(answer, layers=1),
    FaultPoint.DOUBLE_GZIP_BOMB: lambda effect, answer: effect.gzip_bomb(answer, layers=2),
}
_MODES = {
    FaultPoint.CLOSE_INSIDE_REQUEST: SendMode.CLOSED,
    FaultPoint.CLOSE_BEFORE_EXECUTING: SendMode.CLOSED,
    FaultPoint.SILENT_BEFORE_EXECUTING: SendMode.SILENT,
    FaultPoint.CLOSE_AFTER_EXECUTING: SendMode.CLOSED,
    FaultPoint.CLOSE_INSIDE_HEAD: SendMode.CUT_IN_HEAD,
    FaultPoint.CLOSE_INSIDE_BODY: SendMode.CUT_IN_BODY,
    FaultPoint.SILENT_AFTER_EXECUTING: SendMode.SILENT,
    FaultPoint.ANSWER_TWICE: SendMode.TWICE,
    FaultPoint.DRIP: SendMode.DRIPPED,
    FaultPoint.ENDLESS_BODY: SendMode.ENDLESS,
    FaultPoint.LENGTH_TOO_LARGE: SendMode.LENGTH_TOO_LARGE,
    FaultPoint.LENGTH_TOO_SMALL: SendMode.LENGTH_TOO_SMALL,
}


def compressed_spaces(after: bytes, count: int) -> bytes:
    """Return *count* spaces, rounded up to whole chunks, and *after* as gzip, without holding them in memory."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    chunk, crc = b" " * CHUNK_BYTES, 0
    chunks = -(-count // CHUNK_BYTES)
    # A full flush ends at a byte boundary and resets the window, so the compressed chunk may be repeated as it is.
    compressed = compressor.compress(chunk) + compressor.flush(zlib.Z_FULL_FLUSH)
    for _ in range(chunks):
        crc = zlib.crc32(chunk, crc)
    end = compressor.compress(after) + compressor.flush()
    # Header and trailer by hand (RFC 1952): the trailer covers all chunks, of which zlib has seen only one.
    trailer = struct.pack("<LL", zlib.crc32(after, crc), (chunks * CHUNK_BYTES + len(after)) & 0xFFFFFFFF)
    return b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff" + compressed * chunks + end + trailer
