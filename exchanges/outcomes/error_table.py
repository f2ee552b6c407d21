"""What the error answers of an exchange mean: one table for each API generation, and one way to judge by it. Pure.

A code that a document names decides, or else its family; then a status for too many requests, then known words, then
words for single fields, and at last the status. Each rule says as well whether the answer proves that the request was
not executed. Under a status of 3xx or 5xx no answer does: whatever wrote it may not know what the exchange has done.

Rules for editors: when in doubt, `proves` is False. An unproven refusal of an order raises `OutcomeUnknown`, which
costs a look at the account; a refusal that is wrongly taken for proof makes the caller place the order twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import chain, islice
from typing import TYPE_CHECKING, TypeAlias

from attrs import field, frozen

from exchanges import errors
from exchanges.errors import Problem

if TYPE_CHECKING:
    from exchanges.wire import Json

MAX_ENTRIES = 50
"""How many entries of a list of errors, or of an object of fields, are read: an answer may be a mebibyte long."""
MAX_CHARACTERS = 20_000
"""How many characters of a text are searched for a nonce."""
_TOO_MANY_REQUESTS = (420, 429)
# At most the nanoseconds of this century: after a larger nonce nothing could be signed any more.
_NONCE_FLOOR = re.compile(r"\bthan\D{0,30}([1-3]?[0-9]{1,18})(?![0-9])")

Fields: TypeAlias = dict[str, tuple[str, ...]]
Words: TypeAlias = tuple[tuple[type[errors.Rejected], tuple[str, ...]], ...]


@frozen(eq=False)
class ErrorRule:
    """The class of an error, and whether it proves that the request was not executed."""

    kind: type[errors.ExchangeError]
    proves: bool = True


@frozen(eq=False)
class Refusal:
    """An error answer, whatever its shape: its words, its code, and its words for single fields."""

    text: str = ""
    code: str | None = None
    fields: Fields = field(factory=dict[str, tuple[str, ...]])


@frozen(eq=False, kw_only=True)
class ErrorTable:
    """The error answers of one API generation.

    Attributes:
        words: Classes by words in lower case; the first that the text contains decides.
        statuses: Rules by HTTP status, for answers that nothing else decides.
        codes: Rules by code.
        families: Rules by family of codes.
        family_of: Returns the family of a code.
        code_length: To which a code that was sent as a number is padded with zeros.
        ambiguous: Codes of several meanings: known words decide, and without them this rule.
        refines_families: Whether known words say more than the family of a code.
        is_own: Whether an answer with words, but none that are known, proves anything: only the exchange writes such.
    """

    words: Words
    statuses: Mapping[int, ErrorRule]
    codes: Mapping[str, ErrorRule] = field(factory=dict[str, ErrorRule])
    families: Mapping[str, ErrorRule] = field(factory=dict[str, ErrorRule])
    family_of: Callable[[str], str] = str
    code_length: int = 0
    ambiguous: Mapping[str, ErrorRule] = field(factory=dict[str, ErrorRule])
    refines_families: bool = False
    is_own: Callable[[Refusal], bool] = lambda _: False

    def problem(self, status: int, refusal: Refusal) -> Problem:
        """Judge *refusal*."""
        rule = self._by_code(refusal) or self._without_code(status, refusal)
        is_nonce = issubclass(rule.kind, errors.NonceRejected)
        floor = _NONCE_FLOOR.search(refusal.text, 0, MAX_CHARACTERS) if is_nonce else None
        return Problem(
            rule.kind,
            text=refusal.text,
            code=refusal.code,
            fields=refusal.fields,
            proves_not_executed=rule.proves and (status < 300 or 400 <= status < 500),
            nonce_floor=int(floor[1]) if floor else None,
        )

    def rule_of(self, code: str) -> ErrorRule | None:
        """Return the rule of *code*, or else of its family; None if no document names either."""
        padded = code.zfill(self.code_length)
        return self.codes.get(code) or self.codes.get(padded) or self.families.get(self.family_of(code))

    def _by_code(self, refusal: Refusal) -> ErrorRule | None:
        rule = None if refusal.code is None else self.rule_of(refusal.code)
        # Words never overrule a code of its own, nor turn what is unproven into proof.
        if rule is not None and self.refines_families and rule.proves and refusal.code not in self.codes:
            return self._by_words(refusal) or rule
        return rule

    def _by_words(self, refusal: Refusal) -> ErrorRule | None:
        text = refusal.text.lower()
        return next((ErrorRule(kind) for kind, words in self.words if any(w in text for w in words)), None)

    def _without_code(self, status: int, refusal: Refusal) -> ErrorRule:
        if status in _TOO_MANY_REQUESTS:
            return ErrorRule(errors.RateLimited)
        # Beside a code that no document names, even known words may be about something else.
        if refusal.code is None or refusal.code in self.ambiguous:
            rule = self._by_words(refusal) or self.ambiguous.get(refusal.code or "")
            if rule or refusal.fields:
                return rule or ErrorRule(errors.InvalidRequest)
        if status >= 500:
            return ErrorRule(errors.Unavailable, proves=False)
        rule = self.statuses.get(status, ErrorRule(errors.Rejected, proves=False))
        return ErrorRule(rule.kind, proves=rule.proves or (refusal.text != "" and self.is_own(refusal)))


def rules(*kinds: tuple[type[errors.ExchangeError], tuple[str, ...]], proves: bool = True) -> dict[str, ErrorRule]:
    """Return the rules by code of classes with their codes."""
    return {code: ErrorRule(kind, proves=proves) for kind, codes in kinds for code in codes}


def texts_of(value: Json) -> tuple[str, ...]:
    """Return a single value, or those of a list, as texts; leave out what is empty or nested deeper."""
    values = value[:MAX_ENTRIES] if isinstance(value, list) else [value]
    return tuple(str(v) for v in values if v is not None and v != "" and not isinstance(v, list | dict))


def fields_of(items: Iterable[tuple[str, Json]]) -> Fields:
    """Return words by field; leave out fields without any."""
    texts = ((name, texts_of(value)) for name, value in items)
    return dict(islice(((name, words) for name, words in texts if words), MAX_ENTRIES))


def joined(texts: Iterable[str], fields: Fields) -> str:
    """Return all words in one text."""
    return "; ".join(chain(texts, *fields.values()))
