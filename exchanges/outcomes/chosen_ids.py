"""Clients' ids that callers choose. An exchange may accept the same one twice, so that it would name two orders."""

from __future__ import annotations

from exchanges.endpoint.call import PreparedCall
from exchanges.intents import Intent
from exchanges.values import frozen


@frozen
class ChosenId:
    """A client's id that a caller chose.

    Attributes:
        argument: The argument that bears it.
        text: The id.
    """

    argument: str
    text: str

    @classmethod
    def of(cls, call: PreparedCall) -> ChosenId | None:
        """Return the id of a call; None if it bears none, or one that the library made."""
        arguments = (a.name for a in call.endpoint.arguments if a.param.call_id and a.name in call.texts)
        return next((cls(name, call.texts[name]) for name in arguments), None)

    @classmethod
    def in_intent(cls, intent: Intent, argument: str | None) -> ChosenId | None:
        """Return the id in an argument of a recorded call; None if it has none."""
        text = None if argument is None else intent.arguments.get(argument)
        return None if argument is None or text is None else cls(argument, text)

    def __str__(self) -> str:
        """Return it as messages name it."""
        return f"{self.argument}={self.text!r}"

    @property
    def name(self) -> str:
        """The name under which histories and journals know that it was used."""
        return f"#{self.argument}:{self.text}"

    def is_of(self, intent: Intent) -> bool:
        """Whether a recorded call names it, be it for its own order or that of another call."""
        return intent.arguments.get(self.argument) == self.text
