from typing import Annotated

import pytest

from exchanges.errors import DecodeError
from exchanges.wire import BitcoinAddress, Confirmation, Id, RippleAddress, decode, encode
from exchanges.wire.models import codec_of

BITCOIN = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"
BECH32 = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"
XRP = "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"
IN_TEXT = '"{}"'.format

strictness = pytest.mark.parametrize("strict", [False, True])


@strictness
@pytest.mark.parametrize("address", [BITCOIN, BECH32, BITCOIN[:25]])
def test_bitcoin_addresses(address, strict):
    """An address of at least 25 letters and digits is one."""
    assert address == decode(IN_TEXT(address).encode(), Annotated[str, BitcoinAddress()], strict=strict)


@strictness
@pytest.mark.parametrize(
    "body",
    [
        *('""', "0", "null", '"null"', '"error"', "true", "[]", "{}", '"Service temporarily unavailable"', "1" * 30),
        *(IN_TEXT(BITCOIN[:24]), IN_TEXT(BITCOIN + " "), IN_TEXT(BITCOIN + "\\n"), IN_TEXT("é" * 30), f'["{BITCOIN}"]'),
    ],
)
@pytest.mark.parametrize("codec", [BitcoinAddress(), RippleAddress()])
def test_no_addresses(body, codec, strict):
    """Nothing else is an address, strict or not."""
    with pytest.raises(DecodeError):
        decode(body.encode(), Annotated[str, codec], strict=strict)


@pytest.mark.parametrize(
    ("body", "address"),
    [
        (IN_TEXT(XRP), XRP),
        (IN_TEXT(f"{XRP}?dt=7"), f"{XRP}?dt=7"),
        (f'{{"address": "{XRP}"}}', XRP),
        (f'{{"address": "{XRP}", "destination_tag": null}}', XRP),
        (f'{{"address": "{XRP}", "destination_tag": 0}}', f"{XRP}?dt=0"),
        (f'{{"address": "{XRP}", "destination_tag": "007"}}', f"{XRP}?dt=007"),
    ],
)
def test_ripple_addresses(body, address):
    """An XRP address keeps its tag, whichever way it comes."""
    assert address == decode(body.encode(), Annotated[str, RippleAddress()])


@pytest.mark.parametrize(
    "more",
    [
        '"destination_tag": ""',
        '"destination_tag": true',
        '"destination_tag": "x"',
        '"destination_tag": 1.5',
        '"memo": 7',
    ],
)
def test_odd_tags(more):
    """A tag that is none, or anything else that a deposit may need, is not dropped."""
    with pytest.raises(DecodeError):
        decode(f'{{"address": "{XRP}", {more}}}'.encode(), Annotated[str, RippleAddress()])


@pytest.mark.parametrize("value", [True, "ok", "true"])
def test_confirmations(value):
    """A confirmation is exactly its value, in its type."""
    codec = Confirmation(value)

    assert (None, value) == (codec.read(value, strict=False), codec.write(None))


@pytest.mark.parametrize("value", ['""', '" "', "null", "true", "1.5", "[]"])
def test_ids(value):
    """An id is not empty."""
    with pytest.raises(DecodeError):
        decode(value.encode(), Id)


@pytest.mark.parametrize("codec", [BitcoinAddress(), RippleAddress()])
def test_as_it_came(codec):
    """An address is written as it is read."""
    assert (XRP, XRP) == (codec_of(Annotated[str, codec]).write(XRP), encode(XRP))
