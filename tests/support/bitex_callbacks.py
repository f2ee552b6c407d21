"""Callbacks as Bitex posts them, and the refusal of others."""

import hashlib
import json
from pathlib import Path

from exchanges.bitex.callbacks import Callbacks
from exchanges.errors import CallbackRejected

__all__ = ["CALLBACKS", "DIGEST", "ECHO", "KEY", "OLD_KEY", "ORDER", "PAYMENT", "is_refused", "posted", "signed"]

KEY, OLD_KEY = "canary-Key-aZ09", "canary-Old-key-1"
CALLBACKS = Callbacks([KEY, OLD_KEY])
WORDS = "the callback does not prove that it comes from Bitex"
DIGEST = hashlib.sha256(KEY.encode()).hexdigest()
ORDER = (Path(__file__).parent.parent / "specimens" / "bitex" / "concierge.work_order_request.txt").read_bytes()
ORDER = ORDER.partition(b"\n\n")[2]
ECHO = b'{"echo": "hello world"}'
PAYMENT = {
    "id": 1,
    "user_id": 1,
    "amount": 100.0,
    "currency_id": 1,
    "expected_quantity": 0.01936,
    "previous_expected_quantity": 0.019,
    "confirmed_quantity": 0.0,
    "unconfirmed_quantity": 0.0,
    "status": "pending",
    "address": {"id": 11012, "public_address": "mgj8dsnp48iGA8WNfk4y2PHj8HcugvxUj2"},
    "valid_until": 1430230348,
    "quote_valid_until": 1430230348,
    "last_quoted_on": 1430210000,
    "settlement_amount": None,
    "settlement_currency_id": None,
    "keep": 0.0,
    "customer_reference": None,
    "merchant_reference": None,
}


def posted(key=KEY, payment=PAYMENT):
    """Return the body that Bitex posts."""
    return json.dumps({"api_key": key, "payment": payment}).encode()


def signed(key=KEY):
    """Return the headers that Bitex sends."""
    return {"Content-Type": "application/json", "Webhook-Auth": hashlib.sha256(key.encode()).hexdigest()}


def is_refused(read):
    """Return whether a callback is refused, with the error that does not depend on the reason."""
    try:
        read()
    except CallbackRejected as error:
        caught = error
    else:
        return False
    said = (str(caught), caught.__cause__, caught.__context__, set(caught.__dict__.values()))
    assert said == (WORDS, None, None, {None})
    return True
