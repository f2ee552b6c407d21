"""Endpoint and arguments to a call that only lacks its signature.

`prepare` checks the caller's arguments and renders each of them to text once: the body, the intent and the digest all
read these texts. What a scheme signs, and what is sent, is the `exchanges.http.request.Unsigned` that a call is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from types import MappingProxyType
from typing import Any, cast
from urllib.parse import quote, quote_plus

from attrs import field, frozen

from exchanges.endpoint.arguments import check, text
from exchanges.endpoint.definition import Argument, Endpoint
from exchanges.endpoint.paths import require_own_path
from exchanges.http.request import JSON, VERBS_WITHOUT_BODY, Request, Unsigned, url_encoded
from exchanges.http.request import NOTHING as NO_FIELDS
from exchanges.http.request_head import with_head
from exchanges.http.signing import Credentials
from exchanges.http.uploads import Upload
from exchanges.intents import Intent
from exchanges.redaction import REDACTED
from exchanges.wire import Amount, Json

NOTHING: Mapping[str, str] = MappingProxyType({})


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class PreparedCall(Unsigned):
    """A checked call before it is signed.

    Attributes:
        endpoint: What is called.
        values: The arguments as values of the wire, by name.
        texts: The same as texts; of a file type and size.
        acting: What a view put among the fields.
        tag: What was put into the field for it, so that what the call made is recognised; None for nothing.
        credentials: Whose key no error may show; they hold it, as a call may be kept for long.
    """

    endpoint: Endpoint
    values: Mapping[str, Json | Upload] = field(repr=False)
    texts: Mapping[str, str] = field(repr=False)
    acting: Mapping[str, str] = NOTHING
    tag: str | None = None
    credentials: Credentials | None = None

    def __repr__(self) -> str:
        """Show the endpoint without its arguments."""
        return f"PreparedCall({self.endpoint.id})"

    def __str__(self) -> str:
        """Return the words with which messages about this call begin."""
        return f"{self.endpoint.id} ({self.endpoint} at {self.host})"

    @property
    def host(self) -> str:
        """Host and port that it is for, as messages name it."""
        return self.origin.partition("://")[2]

    @property
    def hidden(self) -> set[str]:
        """Names of the secret arguments that it has."""
        return {a.name for a in self.endpoint.arguments if a.param.secret and a.name in self.texts}

    @cached_property
    def digest(self) -> str:
        """Hash of what the call does: equal for calls that would do the same, whatever their tags.

        Secrets are left out: the journal keeps the hash, and a short secret could be guessed from it.
        """
        fields = list(self.acting.items())
        for argument in self.endpoint.arguments:
            # What fills the path is in the path, and a file is known by its name as well.
            param, is_sent = argument.param, argument.wire in self.fields or argument.param.is_spread
            if is_sent and argument.name in self.texts and not (param.secret or param.call_id):
                words, form = self.texts[argument.name], param.canonical
                # 3.0 and 3 are one amount, but two texts.
                words = _shortest(words) if argument.annotation == Amount else words if form is None else form(words)
                # A form that is empty stands for what the exchange uses if nothing is sent.
                fields += [(argument.wire, words)] if words or form is None else []
        upload = () if self.upload is None else (self.upload[1].name, self.upload[1].size)
        endpoint, path = self.endpoint, self.path
        if not endpoint.is_declared:
            # Servers serve one path with and without its last slash, and in any case.
            path = f"{self.verb} {path.rstrip('/').casefold()}"
        whole = repr((endpoint.id, path, sorted(fields), upload))
        return hashlib.sha256(whole.encode()).hexdigest()[:32]

    @property
    def known_secrets(self) -> tuple[str, ...]:
        """What no error may show: its secret arguments, and the key that it is sent with."""
        return self.secrets if self.credentials is None else (*self.secrets, *self.credentials.secrets)

    def render(self, added: Mapping[str, Json] = NO_FIELDS, *, secrets: tuple[str, ...] = ()) -> Request:
        """Build the bytes; see `Unsigned.render`."""
        known = () if self.credentials is None else self.credentials.secrets
        return Unsigned.render(self, added, secrets=(*known, *secrets))

    @cached_property
    def unsigned(self) -> Request:
        """The request of a public call, which is the same each time; without the secrets of the credentials."""
        return with_head(self.bare)

    def intent(self, at: datetime) -> Intent:
        """Return what this call is to do, for errors and the journal, without secrets and contents of files."""
        hidden = self.hidden
        shown = {name: REDACTED if name in hidden else words for name, words in self.texts.items()}
        return Intent(self.endpoint.title, shown, at, self.tag, dict(self.acting))


def prepare(
    endpoint: Endpoint,
    arguments: Mapping[str, Any],
    base_url: str,
    *,
    acting: Mapping[str, str] = NOTHING,
    tag: str | None = None,
    credentials: Credentials | None = None,
) -> PreparedCall:
    """Check *arguments* and lay out the call below *base_url*.

    Args:
        endpoint: What is called.
        arguments: By name, as the caller gave them.
        base_url: Scheme, host and prefix of the path.
        acting: Fields of a view, put before those of the caller.
        tag: Put into the field for tags, if there is one and the caller left it empty.
        credentials: Whose key no error may show, sent or not.

    Raises:
        UsageError: An argument is missing, unknown or wrong; nothing is sent.
    """
    values = check(endpoint, arguments)
    texts, path, fields, upload, secrets = _render(endpoint, values)
    require_own_path(endpoint, path.partition("?")[0])
    place = None if tag is None else _place_of_tag(endpoint, values)
    if place is not None:
        # An answer repeats the tag, so it is among the values; but it is no argument that the caller chose.
        values[place.name] = fields[place.wire] = tag
    scheme, _, rest = base_url.partition("://")
    host, slash, prefix = rest.partition("/")
    return PreparedCall(
        verb=endpoint.verb,
        origin=f"{scheme}://{host}",
        path=slash + prefix + path,
        body=endpoint.body,
        # The caller's own come last and win: a view adds what a call leaves open.
        fields={**acting, **fields},
        upload=upload,
        secrets=secrets,
        endpoint=endpoint,
        values=values,
        texts=texts,
        acting=acting,
        tag=None if place is None else tag,
        credentials=credentials,
    )


def _render(
    endpoint: Endpoint, values: Mapping[str, Json | Upload]
) -> tuple[dict[str, str], str, dict[str, Json], tuple[str, Upload] | None, tuple[str, ...]]:
    """Return the arguments as texts, and where each of them travels: path with query, fields, upload; and secrets."""
    path, upload, secrets = endpoint.route, None, tuple[str, ...]()
    texts: dict[str, str] = {}
    fields: dict[str, Json] = {}
    query: dict[str, str] = {}
    is_json = endpoint.body is JSON and endpoint.verb not in VERBS_WITHOUT_BODY
    for argument in endpoint.arguments:
        name, value = argument.name, values.get(argument.name)
        if name not in values:
            continue
        if isinstance(value, Upload):
            upload = (argument.wire, value)
            texts[name] = text({"content_type": value.content_type, "size": value.size})
            continue
        texts[name] = words = value if isinstance(value, str) else text(value)
        if argument.param.secret:
            secrets = (*secrets, words, quote_plus(words))
        if argument.in_path:
            # Most are plain words, of which `quote` would change nothing.
            plain = words if words.isascii() and words.isalnum() else quote(words, safe="")
            path = path.replace("{" + name + "}", plain)
        elif argument.param.in_query:
            query[argument.wire] = words
        elif argument.param.is_spread:
            fields.update(cast("dict[str, Json]", value))
        else:
            fields[argument.wire] = value if is_json else words
    return texts, f"{path}?{url_encoded(query)}" if query else path, fields, upload, secrets


def _place_of_tag(endpoint: Endpoint, values: Mapping[str, object]) -> Argument | None:
    """Return the argument that carries the tag: one for tags that the caller left empty."""
    return next((a for a in endpoint.arguments if a.param.is_tagged and a.name not in values), None)


def _shortest(amount: str) -> str:
    """Return an amount without zeros at the end of its decimals: 3.0 is 3."""
    return amount.rstrip("0").rstrip(".") if "." in amount else amount
