"""Every exchange that has `client.spot` fits what they all share. Checked, never run."""

from exchanges import Bitso, Bitstamp
from exchanges.spot import Spot


def spots(bitso: Bitso, bitstamp: Bitstamp) -> list[Spot]:
    return [bitso.spot, bitstamp.spot]
