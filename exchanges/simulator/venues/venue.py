"""What simulated exchanges have in common: callers are identified, requests are checked, handlers answer them.

An `Exchange` is composed of an `Engine`, of accounts, of one `Generation` for each generation of its API (how a caller
is identified, how an answer is wrapped, how a rejection is worded), and of `Handlers`, one object for each area of its
API.

Requests are checked in the order of a real exchange: limit, key, signature, nonce, arguments.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar

import attrs
from attrs import define, field, frozen

from exchanges.endpoint import Api, Areas, Endpoint, Kind, endpoints_of
from exchanges.simulator.engine.engine import Engine
from exchanges.simulator.engine.fills import MatchingOptions
from exchanges.simulator.engine.orders import InsufficientFunds
from exchanges.simulator.engine.prices import BookSpec, Market
from exchanges.simulator.engine.rejections import Reason, Refused, refuse_if
from exchanges.simulator.engine.snapshots import StaleReads
from exchanges.simulator.http.arguments import Arguments
from exchanges.simulator.http.messages import HttpAnswer
from exchanges.simulator.record import Venue
from exchanges.simulator.venues.calls import Account, Call, Claim, ParsedRequest, Result, is_private
from exchanges.simulator.venues.handlers import Handlers, encode_answer, id_of
from exchanges.simulator.venues.streams import Streams
from exchanges.wire import Json, dumps

MAX_NONCE_DIGITS = 19
MILLISECOND_DIGITS = 13
UUID_LENGTH = 36


def use_rising_nonce(account: Account, nonce: str) -> bool:
    """Use up a number that is larger than all before; return whether it is one."""
    number = int(nonce) if nonce.isascii() and nonce.isdigit() and len(nonce) <= MAX_NONCE_DIGITS else -1
    if number <= account.last_nonce:
        return False
    account.last_nonce = number
    return True


def use_unique_nonce(account: Account, nonce: str) -> bool:
    """Use up a text of 36 characters that never came before; return whether it is one."""
    if len(nonce) != UUID_LENGTH or nonce in account.used_nonces:
        return False
    account.used_nonces.add(nonce)
    return True


def use_salted_nonce(account: Account, nonce: str) -> bool:
    """Use up a number that is longer than milliseconds and never came before, or one that rises."""
    if not MILLISECOND_DIGITS < len(nonce) <= MAX_NONCE_DIGITS or not (nonce.isascii() and nonce.isdigit()):
        return use_rising_nonce(account, nonce)
    if nonce in account.used_nonces:
        return False
    account.used_nonces.add(nonce)
    return True


@frozen
class Generation:
    """How one generation of an API is spoken.

    Attributes:
        claim: Returns the identity that a private request claims; raises `Refused` if it claims none.
        refusal: Returns the response that rejects a request.
        signatures: Returns the signatures that are right; none where the exchange wants none.
        envelope: Wraps an answer.
        use_nonce: Uses up a nonce; returns whether it is good.
        is_in_time: Whether a request was signed about now, in milliseconds since 1970.
        sign_answer: Signs the answer to a private call.
    """

    claim: Callable[[ParsedRequest], Claim]
    refusal: Callable[[Refused], HttpAnswer]
    signatures: Callable[[ParsedRequest, Claim, Account], tuple[str, ...]] = lambda _, __, ___: ()
    envelope: Callable[[Json], Json] = lambda value: value
    use_nonce: Callable[[Account, str], bool] = use_rising_nonce
    is_in_time: Callable[[ParsedRequest, int], bool] = lambda _, __: True
    sign_answer: Callable[[ParsedRequest, Claim, Account, HttpAnswer], HttpAnswer] = lambda _, __, ___, answer: answer


@define(eq=False, slots=False)
class Exchange(ABC):
    """One simulated exchange.

    Args:
        seed: Seed of everything random.
        started_ms: When the simulator started, in milliseconds since 1970.

    Attributes:
        strict: Whether arguments that the real exchange overlooks are refused.
        stale_reads: Makes private reads stale; None: they are not.
        engine: Books, wallets and orders.
        accounts: By key.
        handlers: One object for each area.
        streams: Its sockets; None where it has none.
    """

    aliases: ClassVar[Mapping[str, str]] = {}
    """Prefixes of paths under which the real server answers too, each with the one that is declared."""
    takes_json: ClassVar[bool] = False
    """Whether it takes JSON where a form is declared."""
    venue: ClassVar[Venue]
    client: ClassVar[type[Areas]]
    books: ClassVar[tuple[BookSpec, ...]]
    matching: ClassVar[MatchingOptions]
    generations: ClassVar[Mapping[str, Generation]]
    """By name of the `Api`."""

    seed: int
    started_ms: int
    strict: bool = field(init=False, default=False)
    stale_reads: StaleReads[Exchange] | None = field(init=False, default=None)
    engine: Engine = field(init=False)
    accounts: dict[str, Account] = field(init=False)
    handlers: tuple[Handlers, ...] = field(init=False)
    streams: Streams | None = field(init=False)

    def __attrs_post_init__(self) -> None:
        markets = [Market(spec, self.seed, self.venue.value, self.started_ms) for spec in self.books]
        self.engine = Engine(markets, self.matching)
        # Before the accounts, as opening one may need handlers: at Bitex it gets a profile.
        self.handlers = tuple(self.create_handlers())
        self.accounts = {account.api_key: account for account in self.open_accounts()}
        self.streams = self.create_streams()

    @classmethod
    def endpoints(cls) -> tuple[Endpoint, ...]:
        """List what the exchange's client declares."""
        return tuple(endpoints_of(cls.client))

    @abstractmethod
    def create_handlers(self) -> Iterable[Handlers]:
        """Create the handlers of all areas."""

    @abstractmethod
    def open_accounts(self) -> Iterable[Account]:
        """Create the accounts that exist from the start."""

    def create_streams(self) -> Streams | None:
        """Create what serves its sockets; None where it has none."""
        return None

    def pass_time(self, now_ms: int) -> None:
        """Run what is due: before each request, and when a test moves the clock."""
        if self.streams is not None and self.streams.clients:
            self.streams.run_until(now_ms)
        else:
            self.engine.pass_time(now_ms)

    async def stop(self) -> None:  # noqa: B027 - not every exchange has something to stop
        """Stop what is under way."""

    def insufficient(self, funds: InsufficientFunds) -> str:
        """Return the text of the rejection when an account has too little available."""
        return f"You have only {funds.available} {funds.currency.upper()} available"

    def order_id(self, shown: int | str) -> int:
        """Return the engine's id of an order whose id the exchange shows as *shown*."""
        return int(shown)

    def refusal(self, api: Api, refused: Refused) -> HttpAnswer:
        """Return the response that rejects a request."""
        return self.generations[api.name].refusal(refused)

    def answer(self, parsed: ParsedRequest, claim: Claim | None, now_ms: int) -> Result:
        """Check a request and execute it.

        Raises:
            Refused: The exchange rejects it.
        """
        # First of all: what is due before this request must be visible to it.
        self.pass_time(now_ms)
        endpoint = parsed.endpoint
        if claim is not None:
            refuse_if(not self.generations[endpoint.api.name].is_in_time(parsed, now_ms), Reason.WRONG_TIME)
        account = None if claim is None else self.admit(parsed, claim)
        # After the nonce, as at a real exchange: a request with wrong arguments uses up its nonce.
        arguments = Arguments.check(
            endpoint, parsed.in_path, parsed.fields if claim is None else claim.fields, strict=self.strict
        )
        if not any(endpoint.id in handlers.handlers for handlers in self.handlers):
            return Result(HttpAnswer(501, f"{endpoint.id} is not simulated".encode(), "text/plain"))
        value = self._execute(endpoint, Call(arguments, now_ms, account))
        if endpoint.text:
            return Result(HttpAnswer(200, str(value).encode(), "text/csv"), executed=True)
        generation = self.generations[endpoint.api.name]
        if endpoint.is_silent:
            answer = HttpAnswer(204)
        else:
            answer = HttpAnswer(200, dumps(generation.envelope(encode_answer(value))))
        if claim is not None and account is not None:
            answer = generation.sign_answer(parsed, claim, account, answer)
        return Result(answer, executed=True, created_id=None if endpoint.kind is Kind.READ else id_of(value))

    def _execute(self, endpoint: Endpoint, call: Call[Account]) -> object:
        """Call the handler; with stale reads, a private read sees the state that is visible to it."""
        if self.stale_reads is None or not is_private(endpoint):
            return self._handle(endpoint, call)
        if endpoint.kind is not Kind.READ:
            with self.stale_reads.writing(self, call.now_ms):
                return self._handle(endpoint, call)
        visible = self.stale_reads.view(self, endpoint.id, call.now_ms)
        return visible._handle(endpoint, attrs.evolve(call, account=visible.same(call.account)))  # noqa: SLF001

    def _handle(self, endpoint: Endpoint, call: Call[Account]) -> object:
        handlers = next(handlers for handlers in self.handlers if endpoint.id in handlers.handlers)
        try:
            return handlers.handlers[endpoint.id](handlers, call)
        except InsufficientFunds as funds:
            raise Refused(Reason.NO_FUNDS, funds.currency, self.insufficient(funds)) from None

    def same(self, account: Account) -> Account:
        """Return the account of this copy of the state that corresponds to one of another copy.

        Raises:
            Refused: It did not exist yet.
        """
        return self.accounts[account.api_key]

    def admit(self, parsed: ParsedRequest, claim: Claim) -> Account:
        """Check key, signature and nonce, and return the account.

        Raises:
            Refused: One of them is wrong.
        """
        account = self.accounts.get(claim.key)
        if account is None:
            raise Refused(Reason.UNKNOWN_KEY)
        right = self.generations[parsed.endpoint.api.name].signatures(parsed, claim, account)
        refuse_if(right and claim.signature not in right, Reason.WRONG_SIGNATURE)
        if claim.nonce is not None:
            # From here on the nonce is used up, even if the arguments turn out to be wrong.
            is_good = self.generations[parsed.endpoint.api.name].use_nonce(account, claim.nonce)
            refuse_if(not is_good, Reason.WRONG_NONCE)
        return account
