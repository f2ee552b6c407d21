"""What answers look like when something goes wrong: what comes in place of one, and what becomes of one."""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Callable
from email.utils import formatdate
from typing import TypeAlias

from attrs import evolve, frozen

from exchanges.simulator.engine.rejections import Reason, Refused
from exchanges.simulator.faults.json_changes import reworded
from exchanges.simulator.faults.plan import Fate
from exchanges.simulator.faults.points import FaultPoint, Faults
from exchanges.simulator.http.delivery import Manner, Sending
from exchanges.simulator.http.messages import HttpAnswer, HttpRequest

__all__ = ["Trouble", "packed_spaces"]

Refuse: TypeAlias = Callable[[Refused], HttpAnswer]
"""Puts a refusal in the shape that the exchange gives it."""

HTML = "text/html; charset=UTF-8"
HOUR_SECONDS = 3600
RETRY_SECONDS = 2
AGES_SECONDS = 10**12
CHUNK = 1024 * 1024
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
class Trouble:
    """One fault that befalls one request.

    Attributes:
        point: Which.
        fate: What chance makes of it.
        faults: How faults are.
        request: What it befalls.
        refuse: How the exchange refuses.
        now: Seconds since 1970, by the simulated clock.
    """

    point: FaultPoint
    fate: Fate
    faults: Faults
    request: HttpRequest
    refuse: Refuse
    now: float

    def in_place(self) -> HttpAnswer:
        """Say what comes in place of an answer when nothing is executed."""
        make = _IN_PLACE.get(self.point)
        return HttpAnswer(0, sending=self.sending()) if make is None else make(self)

    def tampered(self, answer: HttpAnswer) -> HttpAnswer:
        """Say what becomes of an answer."""
        change = _CHANGES.get(self.point)
        if change is not None:
            return change(self, answer)
        body = reworded(self.point, answer.body, self.fate.chance)
        return evolve(answer, body=body, sending=self.sending())

    def sending(self) -> Sending:
        """Say how an answer goes out."""
        manner, chance = _MANNERS.get(self.point, Manner.WHOLE), self.fate.chance
        pause_seconds = self.faults.drip_seconds if manner is Manner.DRIPPED else 0.0
        return Sending(manner, chance.random(), chance.random() < 0.5, pause_seconds)

    def too_many(self, retry_after: str | None = None) -> HttpAnswer:
        """Refuse, and say how long to wait."""
        refusal = self.refuse(Refused(Reason.TOO_MANY_REQUESTS))
        return refusal if retry_after is None else evolve(refusal, headers=(("Retry-After", retry_after),))

    def date(self, seconds: int) -> str:
        """Write when *seconds* from now will be, or was."""
        return formatdate(self.now + seconds, usegmt=True)

    def redirect(self) -> HttpAnswer:
        """Lead elsewhere."""
        status = self.fate.chance.choice((302, 307))
        location = self.faults.redirect_to + self.request.path
        return HttpAnswer(status, b"<html>Moved</html>", HTML, (("Location", location),))

    def bomb(self, answer: HttpAnswer, layers: int) -> HttpAnswer:
        """Pack an answer with much before it."""
        body = packed_spaces(answer.body, self.faults.bomb_bytes)
        if layers > 1:
            body = gzip.compress(body, mtime=0)
        return evolve(answer, body=body, headers=(("Content-Encoding", ", ".join(["gzip"] * layers)),))

    def noise(self, answer: HttpAnswer) -> HttpAnswer:
        """Make an answer unreadable."""
        return evolve(answer, body=self.fate.chance.randbytes(len(answer.body)))


_IN_PLACE: dict[FaultPoint, Callable[[Trouble], HttpAnswer]] = {
    FaultPoint.TOO_MANY_REQUESTS: lambda trouble: trouble.too_many(),
    FaultPoint.TOO_MANY_REQUESTS_SECONDS: lambda trouble: trouble.too_many(str(RETRY_SECONDS)),
    FaultPoint.TOO_MANY_REQUESTS_DATE: lambda trouble: trouble.too_many(trouble.date(RETRY_SECONDS)),
    FaultPoint.TOO_MANY_REQUESTS_PAST: lambda trouble: trouble.too_many(trouble.date(-HOUR_SECONDS)),
    FaultPoint.TOO_MANY_REQUESTS_GARBAGE: lambda trouble: trouble.too_many(trouble.fate.chance.choice(GARBAGE)),
    FaultPoint.TOO_MANY_REQUESTS_NEGATIVE: lambda trouble: trouble.too_many(str(-RETRY_SECONDS)),
    FaultPoint.TOO_MANY_REQUESTS_HUGE: lambda trouble: trouble.too_many(str(AGES_SECONDS)),
    FaultPoint.REFUSE_NONCE: lambda trouble: trouble.refuse(Refused(Reason.WRONG_NONCE)),
    FaultPoint.HTML_403: lambda _: _BLOCKED,
    FaultPoint.HTML_502: lambda _: _BAD_GATEWAY,
    FaultPoint.REDIRECT: lambda trouble: trouble.redirect(),
}
_CHANGES: dict[FaultPoint, Callable[[Trouble, HttpAnswer], HttpAnswer]] = {
    FaultPoint.ANSWER_404: lambda trouble, _: trouble.refuse(Refused(Reason.NO_SUCH_PATH)),
    FaultPoint.ANSWER_500: lambda _, __: _SOMETHING_WRONG,
    FaultPoint.HTML_502_AFTER_EXECUTING: lambda _, __: _BAD_GATEWAY,
    FaultPoint.REDIRECT_AFTER_EXECUTING: lambda trouble, _: trouble.redirect(),
    FaultPoint.GARBLE: lambda trouble, answer: trouble.noise(answer),
    FaultPoint.GZIP_BOMB: lambda trouble, answer: trouble.bomb(answer, layers=1),
    FaultPoint.DOUBLE_GZIP_BOMB: lambda trouble, answer: trouble.bomb(answer, layers=2),
}
_MANNERS = {
    FaultPoint.CLOSE_INSIDE_REQUEST: Manner.CLOSED,
    FaultPoint.CLOSE_BEFORE_EXECUTING: Manner.CLOSED,
    FaultPoint.SILENT_BEFORE_EXECUTING: Manner.SILENT,
    FaultPoint.CLOSE_AFTER_EXECUTING: Manner.CLOSED,
    FaultPoint.CLOSE_INSIDE_HEAD: Manner.CUT_IN_HEAD,
    FaultPoint.CLOSE_INSIDE_BODY: Manner.CUT_IN_BODY,
    FaultPoint.SILENT_AFTER_EXECUTING: Manner.SILENT,
    FaultPoint.ANSWER_TWICE: Manner.TWICE,
    FaultPoint.DRIP: Manner.DRIPPED,
    FaultPoint.ENDLESS_BODY: Manner.ENDLESS,
    FaultPoint.LENGTH_TOO_LARGE: Manner.LENGTH_TOO_LARGE,
    FaultPoint.LENGTH_TOO_SMALL: Manner.LENGTH_TOO_SMALL,
}


def packed_spaces(after: bytes, count: int) -> bytes:
    """Pack *count* spaces, or a few more, and *after*, without ever holding them."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    chunk, crc = b" " * CHUNK, 0
    chunks = -(-count // CHUNK)
    packed = packer.compress(chunk) + packer.flush(zlib.Z_FULL_FLUSH)  # ends at a byte, and refers to nothing before
    for _ in range(chunks):
        crc = zlib.crc32(chunk, crc)
    end = packer.compress(after) + packer.flush()
    sums = struct.pack("<LL", zlib.crc32(after, crc), (chunks * CHUNK + len(after)) & 0xFFFFFFFF)
    return b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff" + packed * chunks + end + sums
