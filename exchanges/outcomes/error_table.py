"""What the error answers of an exchange mean: one table for each API generation, and one way to judge by it. Pure.

A code that a document names decides, or else its family; then a status for too many requests; then texts that are
known word for word. All else is `Unavailable`: it came from somebody, but does not say what became of the request.

What is in the table proves that the request was not executed, but only where the exchange itself answers so: with
status 200 or 4xx, and with nothing in the answer beside the refusal. Words about processing, about time or about the
inside of the exchange never prove anything, whatever the rest of the text or the family of a code says; only a code of
its own says more than they do.

Rules for editors: an entry needs a source, and the question what the exchange had done when it wrote it. When in doubt,
leave it out. An unproven refusal of an order raises `OutcomeUnknown`, which costs a look at the account; a refusal that
is wrongly taken for proof makes the caller place the order twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import chain, islice
from typing import TYPE_CHECKING, TypeAlias

from attrs import field

from exchanges import errors
from exchanges.errors import Problem
from exchanges.values import frozen

if TYPE_CHECKING:
    from exchanges.wire import Json

MAX_ENTRIES = 50
"""How many entries of a list of errors, or of an object of fields, are read: an answer may be a mebibyte long."""
MAX_CHARACTERS = 20_000
"""How many characters of a text are searched."""
TOO_MANY_REQUESTS = (420, 429)
# At most the nanoseconds of this century: after a larger nonce nothing could be signed any more.
_NONCE_FLOOR = r"\bthan\D{0,30}([1-3]?[0-9]{1,18})(?![0-9])"
_DOUBTFUL = (
    r"\b(?:internal|timed?[ -]?out|timeout|try (?:again|later)|process(?:ed|ing)|in progress|pending|unexpected"
    r"|already (?:exists?|used|placed|executed|submitted|sent)|duplicated?|queued"
    r"|went wrong|could not be (?:placed|confirmed|completed)|server error)\b"
)
_ABOUT_NONCE = r"\b(?:invalid|wrong|bad|incorrect)\b[^.;]{0,40}\bnonce\b"

Kind: TypeAlias = type[errors.ExchangeError]
Fields: TypeAlias = dict[str, tuple[str, ...]]
Texts: TypeAlias = tuple[tuple[type[errors.Rejected], tuple[str, ...]], ...]


@frozen(eq=False)
class Refusal:
    """An error answer, whatever its shape: its texts, its code, and its texts for single fields.

    Attributes:
        texts: About the request as a whole.
        code: As text.
        fields: By the name of the field on the wire.
        is_mixed: Whether the answer holds more than a refusal: one that looks like a success as well proves neither.
        made: The id that it names of what the request may have created.
    """

    texts: tuple[str, ...] = ()
    code: str | None = None
    fields: Fields = field(factory=dict[str, tuple[str, ...]])
    is_mixed: bool = False
    made: str | None = None

    @property
    def words(self) -> Iterator[str]:
        """Iterate over all texts."""
        return chain(self.texts, *self.fields.values())

    @property
    def text(self) -> str:
        """All texts in one."""
        return "; ".join(self.words)


@frozen(eq=False, kw_only=True)
class ErrorTable:
    """The error answers of one API generation.

    Attributes:
        texts: Classes by whole texts in lower case, in which ``*`` stands for anything; the first class decides.
        codes: Classes by code. `Unavailable` where a code does not say what became of the request.
        families: Classes by family of codes.
        family_of: Returns the family of a code.
        code_length: To which a code that was sent as a number is padded with zeros.
        ambiguous: Classes of codes with several meanings, which known texts refine.
        refines_families: Whether known texts say more than the family of a code.
    """

    texts: Texts
    codes: Mapping[str, Kind] = field(factory=dict[str, Kind])
    families: Mapping[str, Kind] = field(factory=dict[str, Kind])
    family_of: Callable[[str], str] = str
    code_length: int = 0
    ambiguous: Mapping[str, Kind] = field(factory=dict[str, Kind])
    refines_families: bool = False

    def problem(self, status: int, refusal: Refusal, shape: Kind | None = None) -> Problem:
        """Judge *refusal*; *shape* is the class that the shape of the answer proves, where texts do not."""
        coded = self._by_code(refusal)
        kind = coded or self._without_code(status, refusal, shape)
        is_told = status == 200 or 400 <= status < 500  # by the exchange; others speak for a server, or for nobody
        proves = issubclass(kind, errors.Rejected) and is_told and not refusal.is_mixed
        # A limit is obeyed whether or not it proves anything about this request.
        if not proves and not issubclass(kind, errors.RateLimited):
            kind = errors.Blocked if status == 403 else errors.Unavailable
        text = refusal.text
        is_nonce = issubclass(kind, errors.NonceRejected)
        floor = re.search(_NONCE_FLOOR, text[:MAX_CHARACTERS]) if is_nonce else None
        is_auth = issubclass(kind, errors.AuthenticationFailed)
        return Problem(
            kind,
            text=text,
            code=refusal.code,
            fields=refusal.fields,
            # A status for too many requests is proof only where the exchange documents it, which its `Api` states.
            proves_not_executed=proves and (coded is not None or not issubclass(kind, errors.RateLimited)),
            nonce_floor=int(floor[1]) if floor else None,
            made=None if proves else refusal.made,
            is_about_nonce=is_nonce or (is_auth and bool(re.search(_ABOUT_NONCE, text[:MAX_CHARACTERS].lower()))),
        )

    def kind_of(self, code: str) -> Kind | None:
        """Return the class of *code*, or else of its family; None if no document names either."""
        padded = code.zfill(self.code_length)
        return self.codes.get(code) or self.codes.get(padded) or self.families.get(self.family_of(code))

    def _by_code(self, refusal: Refusal) -> Kind | None:
        kind = None if refusal.code is None else self.kind_of(refusal.code)
        # Texts never overrule a code of its own, nor turn what is unproven into proof.
        if refusal.code is None or not {refusal.code, refusal.code.zfill(self.code_length)}.isdisjoint(self.codes):
            return kind
        # A limit says by itself to try again later.
        if kind is not None and not issubclass(kind, errors.RateLimited) and _is_doubtful(refusal):
            return errors.Unavailable
        if self.refines_families and kind is not None and issubclass(kind, errors.Rejected):
            return self._by_texts(refusal) or kind
        return kind

    def _without_code(self, status: int, refusal: Refusal, shape: Kind | None) -> Kind:
        if status in TOO_MANY_REQUESTS:
            return errors.RateLimited
        # Beside a code that no document names, even a known text may be about something else.
        if refusal.code is None or refusal.code in self.ambiguous:
            kind = self._by_texts(refusal) or self.ambiguous.get(refusal.code or "")
            if kind is not None:
                return kind
        return errors.Unavailable if shape is None or _is_doubtful(refusal) else shape

    def _by_texts(self, refusal: Refusal) -> Kind | None:
        """Return the first class that a text has, if all of them are known."""
        if _is_doubtful(refusal):
            return None
        ranks = [self._rank(text) for text in refusal.words]
        if not ranks or None in ranks:
            return None
        return self.texts[min(rank for rank in ranks if rank is not None)][0]

    def _rank(self, text: str) -> int | None:
        text = text[:MAX_CHARACTERS].strip().rstrip(".").lower()
        return next((rank for rank, (_, texts) in enumerate(self.texts) if _pattern(texts).fullmatch(text)), None)


@cache
def _pattern(texts: tuple[str, ...]) -> re.Pattern[str]:
    """Build the pattern of texts in which ``*`` stands for anything."""
    return re.compile("|".join(".{0,200}".join(map(re.escape, text.split("*"))) for text in texts), re.DOTALL)


def _is_doubtful(refusal: Refusal) -> bool:
    return any(re.search(_DOUBTFUL, text[:MAX_CHARACTERS].lower()) for text in refusal.words)


def by_code(*kinds: tuple[Kind, tuple[str, ...]]) -> dict[str, Kind]:
    """Return the classes by code, of classes with their codes."""
    return {code: kind for kind, codes in kinds for code in codes}


def texts_of(value: Json) -> tuple[str, ...]:
    """Return a single value, or those of a list, as texts; leave out what is empty or nested deeper."""
    values = value[:MAX_ENTRIES] if isinstance(value, list) else [value]
    return tuple(str(v) for v in values if v is not None and v != "" and not isinstance(v, list | dict))


def fields_of(items: Iterable[tuple[str, Json]]) -> Fields:
    """Return texts by field; leave out fields without any."""
    texts = ((name, texts_of(value)) for name, value in items)
    return dict(islice(((name, words) for name, words in texts if words), MAX_ENTRIES))
