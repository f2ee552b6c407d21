from collections import Counter

import pytest

from exchanges.bitso.streams import Streams as BitsoStreams
from exchanges.bitstamp.streams import Streams as BitstampStreams
from exchanges.endpoint import Access
from exchanges.simulator import Venue
from tests.support.simulator_calls import NOW, simulated
from tests.support.sockets import wired

DECLARED = {Venue.BITSTAMP: BitstampStreams, Venue.BITSO: BitsoStreams}
CHANNELS = [channel for streams in DECLARED.values() for channel in streams.channels]
ARGUMENTS = {"market": "btcusd", "book": "btc_mxn", "user_id": "7890"}


@pytest.mark.parametrize("venue", DECLARED)
async def test_every_declared_channel_is_played_once(venue):
    """A channel that a client can subscribe to has one feed in the simulator, and a feed has a channel."""
    async with simulated(venue, clock=lambda: NOW) as sim:
        played = Counter(name for feed in sim._exchanges[venue].streams.feeds for name in feed.channels)

    assert Counter(channel.id for channel in DECLARED[venue].channels) == played


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.id)
async def test_every_declared_channel_is_confirmed(channel):
    """Under the name that the client would use."""
    venue = Venue(channel.id.partition(".")[0])
    name = channel.template.format(**{**ARGUMENTS, **({"market": "btcusd-perp"} if "funding" in channel.id else {})})
    async with simulated(venue, clock=lambda: NOW) as sim, wired(sim, f"/{venue}") as wire:
        if venue is Venue.BITSO:
            kind, _, book = name.partition(":")
            answer = (await wire.follow(book, kind))["response"]
        elif channel.access is Access.PUBLIC:
            answer = (await wire.subscribe(name))["event"]
        else:
            token = sim._exchanges[venue].tokens.issue(7890, int(NOW * 1000))
            answer = (await wire.subscribe(name, auth=token))["event"]
        feeds = list(sim._exchanges[venue].streams._active)

    assert ("ok" if venue is Venue.BITSO else "bts:subscription_succeeded") == answer
    assert [name] == feeds
