"""What happens to calls and streams, for whoever observes a client: `Hooks`, the log lines, OpenTelemetry.

Rules for editors: nothing here knows an exchange, a request or a secret. A record holds no argument of a call but its
market, and a hook that raises changes nothing about the call.
"""

from exchanges.instrumentation.hooks import AttemptRecord, CallRecord, Hooks

__all__ = ["AttemptRecord", "CallRecord", "Hooks"]
