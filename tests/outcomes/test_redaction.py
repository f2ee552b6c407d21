import base64
import json

import pytest

from exchanges.errors import quotable
from exchanges.redaction import redacted
from tests.support.secrets import API_KEY as CANARY
from tests.support.secrets import SPELLINGS, Detector

KEY = "aB3.d/E=fG7zQkLmN-01_2345"
INSTRUCTION = json.dumps({"payment_method": "bank", "to": ["0110599520000001235579", {"name": "Ana Pérez"}], "n": 12})


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_spellings(spelling):
    """However a secret is spelled, nothing of it remains, and the text around it is unchanged."""
    shown = redacted(f"before {SPELLINGS[spelling](CANARY)} after", [CANARY])

    assert [] == Detector().find(shown)
    assert ("before", True) == (shown[:6], shown.endswith(("after", "[redacted]")))


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_alphabets(encode):
    """Base64 is known in both alphabets."""
    secret = "~?" * 12

    assert "it is [redacted]" == redacted(f"it is {encode(secret.encode()).decode()}", [secret])


@pytest.mark.parametrize("begin", range(len(KEY) - 7))
def test_pieces(begin):
    """Eight letters in a row of a long secret are enough."""
    assert "it is [redacted] indeed" == redacted(f"it is {KEY[begin : begin + 8].upper()} indeed", [KEY])


@pytest.mark.parametrize(
    ("text", "secrets", "shown"),
    [
        ("the key abcdefgh1 is bad", ["abcdefgh1"], "the key [redacted] is bad"),
        ("abcdefgh1abcdefgh1", ["abcdefgh1"], "[redacted]"),
        ("abcdefgh1, abcdefgh2", ["abcdefgh1", "abcdefgh2"], "[redacted], [redacted]"),
        ("ABCDEFGH1", ["abcdefgh1"], "[redacted]"),
        ("no secret", ["abcdefgh1"], "no secret"),
        ("nothing", [], "nothing"),
        ("nothing", [""], "nothing"),
        ("", ["abcdefgh1"], ""),
        ("aé%C3%A9\\u00e9", ["abcdefgh1"], "aé%C3%A9\\u00e9"),
        ("100% of %zz &nosuch; \\", ["abcdefgh1"], "100% of %zz &nosuch; \\"),
    ],
)
def test_words(text, secrets, shown):
    """A secret is replaced, and the text around it is unchanged."""
    assert shown == redacted(text, secrets)


@pytest.mark.parametrize(
    ("text", "secret", "shown"),
    [
        ("Article AR, ARE, ar.", "AR", "Article [redacted], ARE, [redacted]."),
        ("1 of 10, 1.5 or 21", "1", "[redacted] of 10, [redacted].5 or 21"),
        ("Ana Diana ana", "Ana", "[redacted] Diana [redacted]"),
    ],
)
def test_short_secrets(text, secret, shown):
    """A short secret is replaced only as a whole word: other words stay readable."""
    assert shown == redacted(text, [secret])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("the account 0110599520000001235579", "the account [redacted]"),
        ("Ana P\\u00e9rez and Ana+P%C3%A9rez", "[redacted] and [redacted]"),
        ("payment_method is missing, n too", "payment_method is missing, n too"),
        ("at most 12", "at most [redacted]"),
    ],
)
def test_a_secret_object(text, shown):
    """Of an object in JSON the texts in it are secrets, its keys are not."""
    assert shown == redacted(text, [INSTRUCTION])


@pytest.mark.parametrize("secret", ["[not JSON, but long", '{"deep": ' * 5000])
def test_what_only_looks_like_an_object(secret):
    """A secret that begins like JSON but is not valid JSON is treated as plain text."""
    assert "[redacted]" == redacted(secret[:3000], [secret])


def test_a_sentence():
    """Of a secret with blanks, pieces of sixteen characters are replaced, so that single words stay."""
    secret = "the withdrawal to my brother's account"

    assert "withdrawal failed: [redacted]" == redacted(f"withdrawal failed: {secret[:20]}", [secret])


def test_a_long_text():
    """Of a text that is too long to be shown only the beginning is looked at, and no part of a secret is left there."""
    shown = redacted((KEY + ".") * 100_000, [KEY])

    assert {"[redacted]", ""} == set(shown.split("."))


def test_it_is_cut_afterwards():
    """A secret at the cut of a message is replaced whole."""
    assert Detector().find(quotable("." * 195 + "zQ7" * 20, ["zQ7" * 20])) == []
