import copy
import pickle
import traceback

import pytest

from exchanges.http.signing import Credentials

SECRETS = {"api_key": "canary-key", "api_secret": "canary-secret", "client_id": "canary-client"}


@pytest.fixture
def credentials():
    """Credentials that must not show."""
    return Credentials(**SECRETS)


@pytest.mark.parametrize("show", [repr, str, "{}".format, "{!r}".format, ascii, lambda c: f"{[c]} {(c,)} { {'c': c} }"])
def test_never_shown(credentials, show):
    """Nothing that prints credentials prints what they are."""
    assert not any(secret in show(credentials) for secret in SECRETS.values())


def test_repr(credentials):
    """Credentials show which account they are for by fingerprint."""
    assert f"Credentials({credentials.fingerprint})" == repr(credentials)


def test_fingerprint(credentials):
    """The fingerprint of a key is sixteen digits of the SHA-256 of a fixed prefix and the key."""
    # printf 'aioexchanges:canary-key' | sha256sum
    assert "ee00b06aa3931682" == credentials.fingerprint


def test_same_key_same_fingerprint(credentials):
    """The same key has the same fingerprint whatever goes with it."""
    assert credentials.fingerprint == Credentials(api_key="canary-key").fingerprint


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_never_pickled(credentials, protocol):
    """Credentials are not pickled."""
    with pytest.raises(TypeError, match="credentials are not pickled"):
        pickle.dumps(credentials, protocol)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_copies_are_shared(credentials, copied):
    """A copy of credentials is the same object."""
    assert credentials is copied(credentials)


def test_no_dictionary(credentials):
    """Credentials have no dictionary that something could dump."""
    with pytest.raises(TypeError):
        vars(credentials)


def test_the_secret_is_not_kept(credentials):
    """No attribute holds the secret."""
    held = [getattr(credentials, name) for name in Credentials.__slots__]

    assert "canary-secret" not in str(held)


def test_locals_of_a_traceback():
    """A traceback that shows locals does not show credentials."""

    def fails(who):
        raise RuntimeError(who)

    with pytest.raises(RuntimeError) as caught:
        fails(Credentials(**SECRETS))

    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "canary-secret" not in shown.replace("**SECRETS", "")


def test_sign():
    """A signature is the lower hex HMAC-SHA256 of the message under the secret."""
    # printf 'message' | openssl dgst -sha256 -hmac canary-secret
    assert "662d48ac21ad51e250c4b003b0c7f03bdace964f18f82bcdcc9c5473e8263fca" == Credentials(**SECRETS).sign(b"message")


def test_sign_twice(credentials):
    """Signing leaves nothing behind: the same message has the same signature."""
    assert credentials.sign(b"message") == credentials.sign(b"message")


def test_sign_rfc_4231():
    """The second test case of RFC 4231 holds."""
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"

    assert expected == Credentials(api_key="k", api_secret="Jefe").sign(b"what do ya want for nothing?")


def test_no_secret():
    """Without a secret nothing can be signed, and it is known beforehand."""
    assert not Credentials(api_key="k").can_sign


def test_sign_without_a_secret():
    """Signing without a secret fails at once."""
    with pytest.raises(TypeError, match="no secret to sign with"):
        Credentials(api_key="k").sign(b"message")
