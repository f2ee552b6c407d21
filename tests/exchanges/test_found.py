"""What `reconcile` may find is declared for type checkers, exchange by exchange."""

from functools import partial
from types import UnionType
from typing import Annotated, get_args, get_origin

import pytest

from exchanges import Bitex, Bitso, Bitstamp
from exchanges.bitex import found as bitex
from exchanges.bitso import found as bitso
from exchanges.bitstamp import found as bitstamp
from exchanges.endpoint.areas import endpoints_of
from exchanges.outcomes.matching import Cancelling, Listing

CLIENTS = ((Bitex, bitex.Found), (Bitso, bitso.Found), (Bitstamp, bitstamp.Found))
every = pytest.mark.parametrize(("client", "found"), CLIENTS)


def members(union):
    """Return the classes of a union, and of the tuples in it."""
    if isinstance(union, UnionType) or get_origin(union) is tuple:
        return {kind for part in get_args(union) if part is not ... for kind in members(part)}
    return {union}


@every
def test_answers(client, found):
    """What a call answers may be found: its caller may have been cancelled, and the answer kept."""
    searches = client.searches()
    answers = {e.answer for e in endpoints_of(client) if e.id in searches}
    kinds = {get_args(answer)[0] if get_origin(answer) is Annotated else answer for answer in answers}

    assert kinds <= members(found)


@every
def test_rows(client, found):
    """So may the rows of the lists in which it is looked for."""
    finders = [search.find for search in client.searches().values()]
    listings = {part for find in finders for part in (find, *(find.args if isinstance(find, partial) else ()))}
    kinds = {listing.kind for listing in listings if isinstance(listing, Listing)}

    assert kinds <= members(found)
    assert kinds or all(not isinstance(find, Listing | Cancelling) for find in finders)
