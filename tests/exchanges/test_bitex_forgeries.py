import json
import random
from functools import partial

import pytest

from tests.support.bitex_callbacks import CALLBACKS, DIGEST, ECHO, KEY, ORDER, PAYMENT, is_refused, posted, signed

pytestmark = pytest.mark.sweep

ALIKE = {"a": "\u0430", "e": "\u0435", "c": "\u0441", "y": "\u0443", "K": "\u212a", "-": "\u2010", "0": "\uff10"}
INVISIBLE = ["\u200b", "\ufeff", "\u00ad", "\u0000", "\u0301", " ", "\n", "\u202e"]
OTHERS = ["", None, True, False, 0, 1, 1.5, [], {}, [KEY], {"key": KEY}, [KEY, KEY], DIGEST, KEY.encode().hex()]


def flipped(chance, text):
    """Flip one bit of one character."""
    at = chance.randrange(len(text))
    return text[:at] + chr(ord(text[at]) ^ 1 << chance.randrange(7)) + text[at + 1 :]


def recased(chance, text):
    """Change the case of some letters."""
    letters = [i for i, c in enumerate(text) if c.isalpha()]
    chosen = set(chance.sample(letters, chance.randint(1, len(letters))))
    return "".join(c.swapcase() if i in chosen else c for i, c in enumerate(text))


def resized(chance, text):
    """Cut some off, or put some on, at either end."""
    size = chance.randint(1, len(text))
    more = "".join(chance.choices("abcXYZ09-", k=size))
    return chance.choice([text[size:], text[:-size], text + more, more + text, text * 2, text + text[-1]])


def lookalike(chance, text):
    """Change some characters for others that look alike, or put one between that does not show."""
    places = [i for i, c in enumerate(text) if c in ALIKE]
    if places and chance.random() < 0.5:
        at = chance.choice(places)
        return text[:at] + ALIKE[text[at]] + text[at + 1 :]
    at = chance.randrange(len(text) + 1)
    return text[:at] + chance.choice(INVISIBLE) + text[at:]


def twice(chance, text):
    """Build a body with the right key and a wrong one, in either order, at some depth or spelled by escapes."""
    wrong, right = f'"api_key": "{flipped(chance, "x" * len(KEY))}"', f'"api_key": "{KEY}"'
    pair = chance.sample([wrong, right], 2)
    if chance.random() < 0.3:
        pair = [right, right]
    if chance.random() < 0.3:
        pair[chance.randrange(2)] = pair[0].replace("api_key", "\\u0061pi_key")
    body = json.dumps(PAYMENT)
    return chance.choice(
        [
            f'{{{pair[0]}, {pair[1]}, "payment": {body}}}',
            f'{{{pair[0]}, "payment": {body}, {pair[1]}}}',
            f'{{{wrong}, "payment": {{{right}, {body[1:]}}}',
            f'{{{right}, "payment": {{"id": 1, "id": 2}}}}',
            f'{{{right}, "payment": {body}, "payment": {body}}}',
            f'{{"payment": {{"x": [{{{right}}}], {body[1:]}}}',
            f"[{{{right}}}, {body}]",
        ]
    ).encode("utf-8", "surrogatepass")


CHANGES = [flipped, recased, resized, lookalike]


def forged_payments(chance, count):
    """Bodies of senders who do not know the key, or who say it twice."""
    for n in range(count):
        if n % 6 == 4:
            yield posted(chance.choice(OTHERS))
        elif n % 6 == 5:
            yield twice(chance, KEY)
        else:
            yield posted(CHANGES[n % 6](chance, KEY))


def forged_headers(chance, count):
    """Headers of senders who do not know the digest, or who say it twice."""
    for n in range(count):
        if n % 6 == 4:
            yield {"Webhook-Auth": chance.choice(OTHERS[:-2])}
        elif n % 6 == 5:
            pair = chance.sample([DIGEST, flipped(chance, DIGEST)], 2)
            yield [("Webhook-Auth", pair[0]), (recased(chance, "webhook-auth"), pair[1])]
        else:
            yield {"Webhook-Auth": CHANGES[n % 6](chance, DIGEST)}


def test_forged_payments():
    """Of 5,000 forged payments none is accepted: bits, case, length, type, keys said twice, look-alikes."""
    bodies = forged_payments(random.Random(1), 5_000)

    assert 5_000 == sum(is_refused(partial(CALLBACKS.payment, body)) for body in bodies)


def test_forged_webhooks():
    """Of 5,000 forged webhooks none is accepted."""
    headers = forged_headers(random.Random(2), 5_000)

    assert 5_000 == sum(is_refused(partial(CALLBACKS.webhook, said, ECHO)) for said in headers)


def test_garbled_bodies():
    """Whatever becomes of a body under way, it is read or refused; nothing else happens."""
    chance = random.Random(3)
    for _ in range(2_000):
        for read, whole in ((CALLBACKS.payment, posted()), (partial(CALLBACKS.webhook, signed()), ORDER)):
            body = bytearray(whole)
            for _ in range(chance.randint(1, 4)):
                body[chance.randrange(len(body))] = chance.randrange(256)
            is_refused(partial(read, bytes(body[: chance.randint(1, len(body))] if chance.random() < 0.2 else body)))
