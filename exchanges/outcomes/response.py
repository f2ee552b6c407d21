"""Interpretation of a complete answer: a value or an error, and what it says about limits and nonces. Pure.

Only errors of our own tree come out of here, and none of them holds the answer itself, which may echo a secret.

An answer counts only with a status of success, in the shape that is declared, and if it fits its request. One that
repeats something else than its request belongs to another request. Exchanges repeat amounts with other numbers of
decimals and words in other cases; what differs by more than that is a contradiction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, DecimalException
from enum import Enum
from types import GenericAlias
from typing import Any, cast

import attrs

from exchanges import errors
from exchanges.endpoint import READ, Endpoint, Param
from exchanges.endpoint.call import PreparedCall
from exchanges.endpoint.definition import PUBLIC
from exchanges.errors import DecodeError, NotFound, Problem
from exchanges.http.answer import Answer
from exchanges.limits.nonces import is_passable
from exchanges.outcomes.attempt import Attempt, Result
from exchanges.outcomes.classify import problem_of_status, rejection, undecodable
from exchanges.outcomes.received import is_page
from exchanges.outcomes.refusals import refusal_of, timed
from exchanges.outcomes.rounding import is_echo, is_same_text
from exchanges.wire import Deviation, Json, loads
from exchanges.wire.codecs import without_mark
from exchanges.wire.converter import Wire
from exchanges.wire.long_lists import LongLists
from exchanges.wire.models import optional_of

_NO_IDS = frozenset({"", "null", "none", "nil", "nan", "undefined", "false", "true"})
_ROWS = (list, str)
"""What shows a field that it has no attribute for: a list in its rows, a text that is the field itself."""


def interpret(attempt: Attempt, answer: Answer, wire: Wire, lists: LongLists | None = None) -> Result:
    """Classify and decode a complete answer.

    Args:
        lists: The long lists that were cut out of the answer; the value has empty lists in their places.
    """
    problem = refusal = None
    try:
        problem, value = _read(attempt, answer, wire, lists)
        if problem is None:
            return Result(value, status=answer.status, is_judged=True)
        if problem.nonce_floor is not None and not is_passable(problem.nonce_floor, attempt.stamp.timestamp_ms):
            problem = attrs.evolve(problem, nonce_floor=None)
        refusal = refusal_of(attempt, answer, problem)
        problem = timed(problem, answer, attempt.call.endpoint, refusal)
        failure = rejection(attempt, answer, problem)
    except DecodeError as error:
        failure = undecodable(attempt, answer, str(error))
    except (OSError, ImportError, MemoryError):
        raise  # of this machine: the answer is not at fault
    except Exception as fault:  # noqa: BLE001 - a reader that fails on an unexpected answer must not hide an outcome
        words = f"{attempt.call.endpoint.id}: unexpected {type(fault).__name__} while reading the answer"
        failure = undecodable(attempt, answer, words)
    if problem is None:
        return Result(error=failure, status=answer.status)
    # A 5xx, a page, or words that no table knows may come from something in front of the exchange.
    is_judged = problem.proves_not_executed and not issubclass(problem.kind, errors.RateLimited)
    return Result(None, failure, answer.status, problem.nonce_floor, refusal, is_judged)


def _read(attempt: Attempt, answer: Answer, wire: Wire, lists: LongLists | None) -> tuple[Problem | None, Any]:
    endpoint, status = attempt.call.endpoint, answer.status
    if endpoint.is_silent or attempt.is_verified is False:
        _require_signature(attempt, answer)
        if _is_empty(answer):
            return None, None
    is_success = status in endpoint.api.success_statuses
    # What others than reads answer is compared with what was sent.
    rows = _rows(endpoint, answer, wire, lists) if is_success and endpoint.kind is READ else None
    if rows is not None:
        return None, _consistent(attempt.call, rows)
    content, fault = _content(endpoint, answer, lists, is_success=is_success)
    problem = _problem(endpoint, answer, content, fault)
    if problem is not None:
        return problem, None
    if not is_success:
        fault = f"status {' or '.join(map(str, sorted(endpoint.api.success_statuses)))}"
    value = _decode(endpoint, content, fault, wire, lists)
    if endpoint.single and not value:
        return Problem(NotFound, "the exchange shows none of this id"), None
    value = value[0] if endpoint.single else value
    if endpoint.is_compared and (names := mismatches(attempt.call, value)):
        words = f"{endpoint.id}: the answer does not match the request: {', '.join(names)}"
        raise DecodeError(words, endpoint=endpoint.id)
    # Long lists are not in their places yet.
    return None, value if endpoint.fault is None or lists is not None else _consistent(attempt.call, value)


def contradiction(call: PreparedCall, value: Any) -> str | None:
    """Return in words what an answer says against itself; None if that is nothing."""
    endpoint = call.endpoint
    fault = None if endpoint.fault is None else endpoint.fault(value, call.values)
    return None if fault is None else f"{endpoint.id}: expected {fault}"


def _consistent(call: PreparedCall, value: Any) -> Any:
    if words := contradiction(call, value):
        raise DecodeError(words, endpoint=call.endpoint.id)
    return value


def _require_signature(attempt: Attempt, answer: Answer) -> None:
    """Raise if the exchange's signature is wrong, or missing where nothing else would tell a proxy's answer from it."""
    endpoint, words = attempt.call.endpoint, None
    if attempt.is_verified is False:
        words = "an answer that the exchange signed; its signature does not match"
    elif endpoint.is_silent and endpoint.kind.is_once and _is_empty(answer) and not attempt.is_verified:
        words = "an empty answer that is signed"
    if words is not None:
        raise DecodeError(f"{endpoint.id}: expected {words}", endpoint=endpoint.id)


def _rows(endpoint: Endpoint, answer: Answer, wire: Wire, lists: LongLists | None) -> Any | None:
    """Return large lists of rows, which have a faster way; None if the answer is no such list."""
    if answer.rows is not None:
        return answer.rows.result()
    return wire.rows(answer.body, endpoint.answer) if lists is None else None


def _problem(endpoint: Endpoint, answer: Answer, content: Json, fault: str | None) -> Problem | None:
    """Return what the exchange refuses, or what the status says; None for an answer that is no error."""
    problem, api = None, endpoint.api
    if fault is None:
        problem = api.read_problem(answer.status, content)
        if problem is None and endpoint.read_problem is not None:
            problem = endpoint.read_problem(content)
        if problem is None and endpoint.kind is not READ and api.read_doubt is not None:
            problem = api.read_doubt(endpoint.kind, content)
    # What was read as JSON is no page.
    is_other = (endpoint.text or fault is not None) and is_page(answer)
    if problem is None and (is_other or not 200 <= answer.status < 300):
        problem = problem_of_status(answer.status)
    return problem


def _is_empty(answer: Answer) -> bool:
    """Whether an answer says that it has no body; the end of a connection says nothing."""
    has_none = answer.status == 204 or (answer.status == 200 and answer.headers.get("content-length") == "0")
    return has_none and not answer.body


def _decode(endpoint: Endpoint, content: Json, fault: str | None, wire: Wire, lists: LongLists | None) -> Any:
    if fault is None:
        try:
            payload = content if endpoint.api.payload is None else endpoint.api.payload(content)
            payload = payload if lists is None else lists.empty(payload)
        except Deviation as deviation:
            fault = deviation.expected
        else:
            annotation: Any = GenericAlias(list, (endpoint.answer,)) if endpoint.single else endpoint.answer
            # A list of the account is evidence of what a call did, and never loses a row.
            is_public = endpoint.access is PUBLIC
            value = wire.structure(payload, annotation, endpoint.id, set_apart=is_public)
            if not endpoint.single or len(value) <= 1:
                return value
            fault = f"a list of one, found {len(value)}"
    raise DecodeError(f"{endpoint.id}: expected {fault}", endpoint=endpoint.id)


def _content(
    endpoint: Endpoint, answer: Answer, lists: LongLists | None, *, is_success: bool
) -> tuple[Json, str | None]:
    """Parse the body as declared; return it, or what was expected."""
    try:
        if lists is not None:
            return lists.content(), None
        # An error is JSON even where a good answer is text.
        if endpoint.text and is_success:
            text = without_mark(answer.body).decode()
            return text, None if text.strip() else "text"
        return loads(answer.body), None
    except UnicodeDecodeError:
        return None, "text in UTF-8"
    except Deviation as deviation:
        return None, deviation.expected


def mismatches(call: PreparedCall, value: Any) -> list[str]:
    """Return the fields of the answer *value* that contradict *call*, or that no thing that was made can have.

    Fields that it does not repeat are fine. After a call that may be repeated only those are compared whose declaration
    names the field, such as an id: other things may have changed since. Such a field is also compared in every row of a
    list; an id that is all of the answer, or of a row, is the field itself.
    """
    endpoint, values, found = call.endpoint, call.values, list[str]()
    if endpoint.echoes:
        found += [name for name, wanted in endpoint.echoes.items() if not _is_among(wanted, getattr(value, name, None))]
    is_rows, is_once = isinstance(value, _ROWS), endpoint.kind.is_once
    for argument in endpoint.repeated:
        name = argument.echo
        if is_once and isinstance(parts := values.get(argument.name), Mapping):
            found += _differing(parts, getattr(value, name or argument.name, None))
        # What is not repeated need not be compared with anything; it is asked first, as that is so of most answers.
        if not name or (not is_rows and getattr(value, name, None) is None):
            continue
        if argument.name in values and name not in found:
            found += [] if _is_repeated(argument.param, name, values[argument.name], value) else [name]
    if endpoint.kind is READ:
        return found
    return [*found, *(name for name in _impossible(value) if name not in found)]


def _differing(sent: Mapping[str, object], shown: Any) -> list[str]:
    """Return the names of the texts in a mapping that was sent which the same part of the answer contradicts."""
    if attrs.has(cast("Any", type(shown))):
        shown = attrs.asdict(shown, recurse=False)
    answered = cast("Mapping[str, Any]", shown if isinstance(shown, Mapping) else {})
    texts = ((name, text) for name, text in sent.items() if isinstance(text, str))
    return [name for name, text in texts if answered.get(name) is not None and not _same(text, answered[name])]


def fault_of_reference(call: PreparedCall, value: Any, made_under: Callable[[str], str | None]) -> str | None:
    """Return what an answer lacks that would show it to be about what the call names by the client's id.

    That is the exchange's id of what is known to bear the client's id, or the client's id itself; None if nothing
    lacks. An answer that shows no id shows that nothing was done.

    Args:
        made_under: Returns the exchange's id of what bears a client's id; None if that is not known.
    """
    for argument in call.endpoint.references:
        if argument.name not in call.texts:
            continue
        known = [made_under(text) for text in call.texts[argument.name].split(",")]
        shown = [name for name in _shown(value, argument.param.refers or "") if name is not None]
        if all(str(name) in known for name in shown):
            continue
        if None not in known:
            return "the id of what bears the client's id that was sent"
        # That it is the one that was sent has been compared before. A bare text is an id of the exchange.
        if isinstance(value, list | str) or getattr(value, argument.echo or "", None) is None:
            return "the client's id, or an id that was shown with it before: read what bears it"
    return None


def ids_of(endpoint: Endpoint, value: Any) -> Iterator[tuple[str, str]]:
    """Iterate over the exchange's id and the client's id of each thing that an answer shows with both."""
    if endpoint.shows_ids is not None:
        ids, client_ids = (_shown(value, name) for name in endpoint.shows_ids)
        yield from ((str(one), client_id) for one, client_id in zip(ids, client_ids, strict=True) if one and client_id)


def _shown(value: Any, name: str) -> list[Any]:
    """Return what an answer, or each of its rows, shows of the field *name*."""
    rows = cast("Sequence[Any]", value) if isinstance(value, list) else [value]
    return [row if type(row) is str else getattr(row, name, None) for row in rows]


def _is_repeated(param: Param, name: str, sent: Any, value: Any) -> bool:
    """Return whether an answer shows nothing else than what was *sent* in the field *name*."""
    wanted = str(sent).split(",") if param.type == "list" else [sent]
    found = _shown(value, name) if param.echo != "=" else [getattr(value, name, None)]
    return all(any(_repeats(param, name, one, shown) for one in wanted) for shown in found if shown is not None)


def _is_among(wanted: Any, shown: Any) -> bool:
    """Return whether a field is as its declaration demands: one value, or one of several."""
    possible = cast("Sequence[Any]", wanted) if isinstance(wanted, tuple) else [wanted]
    return any(_same(one, shown) for one in possible)


def _repeats(param: Param, name: str, sent: Any, shown: Any) -> bool:
    """Return whether *shown* repeats *sent*, in the forms in which an exchange's names for one thing are the same."""
    if isinstance(sent, str) and isinstance(shown, str):
        if param.same is not None:
            return param.same(sent, shown)
        if param.canonical is not None:
            return _same(param.canonical(sent), param.canonical(shown))
        if name.endswith("id"):
            return sent == shown  # two ids may differ in nothing but their case
    return _same(sent, shown)


def _impossible(value: Any) -> Iterator[str]:
    """Iterate over fields with an id that names nothing, a moment that is none, or an amount below zero."""
    model: Any = cast("Any", type(value))
    if not attrs.has(model):
        if isinstance(value, str) and _names_nothing(value):
            yield "id"
        return
    for attribute in attrs.fields(model):
        name, cell = attribute.name, getattr(value, attribute.name)
        # What may be missing names something else than what was made.
        is_id = name.endswith("id") and attribute.default is attrs.NOTHING and optional_of(attribute.type) is None
        is_no_moment = isinstance(cell, datetime) and cell.timestamp() <= 0  # what a field without a value reads as
        if (is_id and _names_nothing(cell)) or is_no_moment or (isinstance(cell, Decimal) and cell < 0):
            yield name


def _names_nothing(cell: object) -> bool:
    """Whether an id is what programs write where they have none: nothing, a number that is not above zero, a word."""
    if not isinstance(cell, str | int):
        return False
    try:
        return int(cell) <= 0
    except ValueError:
        return str(cell).strip().lower() in _NO_IDS


def _same(expected: Any, found: Any) -> bool:
    """Compare a rendered argument with a decoded field; kinds that cannot be compared are fine."""
    expected = expected.value if isinstance(expected, Enum) else expected
    found = found.value if isinstance(found, Enum) else found
    if isinstance(found, Decimal):
        try:
            number = Decimal(str(expected))
        except DecimalException:
            return True
        return is_echo(found, number)
    if isinstance(found, str | int) and isinstance(expected, str | int):
        # An exchange may return a word in another case.
        return is_same_text(str(found), str(expected))
    return True
