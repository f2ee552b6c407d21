"""Steps of a script that prove nothing, and the error that each is."""

import httpx

from exchanges import errors
from exchanges.errors import RateLimited
from tests.support.scripted_transport import answer, html, refusal

GARBLED = httpx.Response(200, content=b'{"id": ')
OTHER_SHAPE = answer({"no": "id"})
REDIRECT = httpx.Response(302, headers={"location": "https://elsewhere.example/"})
UNPROVEN = {
    "unavailable": (html(503), errors.Unavailable),
    "a proxy": (html(403), errors.Blocked),
    "a key, says a proxy": (html(401), errors.Unavailable),
    "nowhere": (html(404), errors.Unavailable),
    "too many, which no document says": (html(420), RateLimited),
    "a page": (html(200), errors.Blocked),
    "an unexpected success": (answer({"id": 1}, 206), errors.DecodeError),
    "a nonce": (refusal("nonce"), errors.NonceRejected),
    "a redirect": (REDIRECT, errors.RedirectRefused),
    "vague": (refusal("vague"), errors.Rejected),
    "garbled": (GARBLED, errors.DecodeError),
    "another shape": (OTHER_SHAPE, errors.DecodeError),
    "empty": (httpx.Response(200), errors.DecodeError),
    "broken off": (httpx.ReadError("gone"), errors.Unavailable),
    "no connection": (httpx.ConnectError("no"), errors.Unavailable),
}
