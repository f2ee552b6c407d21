"""The specimens: one file per endpoint, with a documented call and its documented answer."""

import json
from pathlib import Path

from attrs import frozen

from exchanges.endpoint import Access
from exchanges.endpoint.call import prepare
from exchanges.http.signing import Credentials, Stamp
from exchanges.http.uploads import Upload
from exchanges.wire import loads
from tests.support.strategies import ENDPOINTS

PNG = b"\x89PNG\r\n\x1a\n"
HERE = Path(__file__).parent.parent / "specimens"

CREDENTIALS = Credentials(api_key="KEY1", api_secret="SECRET1", client_id="client7")
STAMP = Stamp("1700000000000", 1700000000000)
# openssl dgst -sha256 -hmac SECRET1, of 1700000000000client7KEY1: what both body signatures cover
SIGNATURES = {
    "bitso": "5b37c3b74bc86d3d165a56e611b94fe5955b10d615b4639fcc703ea5ae9b5eac",
    "bitstamp": "5B37C3B74BC86D3D165A56E611B94FE5955B10D615B4639FCC703EA5AE9B5EAC",
}


@frozen
class Specimen:
    """One file: a documented call and its documented answer."""

    id: str
    verb: str
    url: str
    arguments: dict[str, object]
    body: str
    answer: bytes

    @property
    def endpoint(self):
        return ENDPOINTS[self.id]

    @property
    def payload(self):
        """The answer without its envelope."""
        answer = self.answer.decode() if self.endpoint.text else loads(self.answer)
        payload = self.endpoint.api.payload
        content = answer if payload is None else payload(answer)
        return content[0] if self.endpoint.single else content


def _read(file):
    """Parse a specimen and fill in the credentials."""
    exchange = file.parent.name
    head, _, answer = file.read_text().partition("\n\n")
    first, *lines = head.splitlines()
    verb, _, url = first.partition(" ")
    named = dict(line.split(": ", 1) for line in lines)
    assert named.keys() <= {"arguments", "body", "note"}, file

    def filled(text):
        text = text.replace("<api_key>", "KEY1").replace("<nonce>", "1700000000000")
        return text.replace("<signature>", SIGNATURES.get(exchange, ""))

    arguments = json.loads(named["arguments"])
    if "document" in arguments:  # the guide names a file of the reader; its content is given here
        arguments["document"] = Upload.of(
            PNG, name=Path(arguments["document"]).name, accepted=["image/png"], max_bytes=len(PNG)
        )
    return Specimen(
        f"{exchange}.{file.stem}", verb, filled(url), arguments, filled(named.get("body", "")), answer.encode()
    )


SPECIMENS = [_read(file) for file in sorted(HERE.glob("*/*.txt"))]


def specimen_of(endpoint):
    """Return the specimen of an endpoint, by its id."""
    return next(specimen for specimen in SPECIMENS if specimen.id == endpoint)


def sent(specimen):
    """Return the request for the specimen's arguments, signed if its endpoint is private."""
    endpoint = specimen.endpoint
    call = prepare(endpoint, specimen.arguments, endpoint.api.base_url)
    if endpoint.access is Access.PUBLIC:
        return call.render()
    return endpoint.api.scheme.sign(call, CREDENTIALS, STAMP)
