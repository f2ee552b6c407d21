"""TLS: trust, the environment, and the outcome of a call when TLS fails."""

import ssl
import warnings

import pytest

from exchanges.client import ClientOptions
from exchanges.errors import NotSent, OutcomeUnknown, ReadFailed, RedirectRefused, UsageError
from exchanges.http import tls
from exchanges.limits.limit import Limit, Scope
from exchanges.state import MemoryState
from tests.support.fourth import CREDENTIALS, LIMIT, Fourth, Thing
from tests.support.fourth_calls import CALLS
from tests.support.raw_server import answering, once, response, serving
from tests.support.tls_servers import AUTHORITY, presenting, secured, trusting

UNTRUSTED = {
    "elsewhere": "IP address mismatch",
    "unnamed": "IP address mismatch",
    "expired": "certificate has expired",
    "nobody": "signed certificate",
}


def client(server, **options):
    """Create a client of the fourth exchange that trusts the authority of the tests."""
    options = {"base_url": server.origin, "ssl_context": trusting(), **options}
    return Fourth(state=MemoryState(), limits=[Limit(LIMIT.name, (), Scope.KEY)], **CREDENTIALS, **options)


async def failure_of(opened, kind="money"):
    """Send a call that fails, with a client of its own; return the error."""
    async with opened:
        with pytest.raises(Exception) as caught:  # noqa: PT011 - the tests say which
            await CALLS[kind](opened)
    return caught.value


def old(**versions):
    """Build a context with versions that the ssl module warns of."""
    context = trusting()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        for name, version in versions.items():
            setattr(context, name, version)
    return context


def careless(**attributes):
    """Build a context that verifies less than it should."""
    context = trusting()
    context.check_hostname = False
    for name, value in attributes.items():
        setattr(context, name, value)
    return context


def optional():
    """Build a context that accepts a server without a certificate."""
    context = trusting()
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


def anonymous():
    """Build a context that also allows ciphers without certificates."""
    context = trusting()
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


# Who is trusted


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_server_that_is_who_it_says(host):
    """A server with a trusted certificate for the name in the base URL gets the call."""
    async with secured() as server:
        async with client(server, base_url=f"https://{host}:{server.port}") as opened:
            thing = await opened.trading.order()

        assert (Thing(1), 1) == (thing, len(server.requests))


@pytest.mark.parametrize(("host", "name"), [("127.0.0.1", None), ("localhost", "localhost")])
async def test_the_name_that_is_asked_for(host, name):
    """The handshake names the host of the base URL; an address has no name."""
    async with secured() as server:
        async with client(server, base_url=f"https://{host}:{server.port}") as opened:
            await opened.market.thing()

        assert [name] == server.names


@pytest.mark.parametrize("certificate", UNTRUSTED)
async def test_a_server_that_is_somebody_else(certificate):
    """A server with another name, no name, an expired or an untrusted certificate is refused; nothing was sent."""
    async with secured(presenting(certificate)) as server:
        error = await failure_of(client(server))

        assert (NotSent, []) == (type(error), server.requests)
    assert UNTRUSTED[certificate] in str(error)


async def test_another_host_with_a_certificate_of_its_own():
    """A certificate that is valid for the address is not valid for another name."""
    async with secured(presenting("elsewhere")) as server:
        error = await failure_of(client(server, base_url=f"https://localhost:{server.port}"))

    assert "Hostname mismatch" in str(error)


@pytest.mark.parametrize("kind", CALLS)
async def test_nobody_else_is_trusted(kind, monkeypatch):
    """Without a context an authority that the world does not know is refused, whatever the call."""
    monkeypatch.setattr("exchanges.session.session.BACKOFF_SECONDS", 0.0)
    async with secured() as server:
        error = await failure_of(client(server, ssl_context=None), kind)

        assert ({"read": ReadFailed}.get(kind, NotSent), []) == (type(error), server.requests)


async def test_who_answers_in_place_of_the_server():
    """A proxy that answers the tunnel itself, with its own certificate, is refused."""

    async def talk(heard):
        await heard.request()
        await heard.say(b"HTTP/1.1 200 OK\r\n\r\n")
        await heard.writer.start_tls(presenting("elsewhere"))

    async with serving(talk) as proxy, secured() as server:
        error = await failure_of(client(server, proxy=proxy.origin))

        assert (NotSent, 1, 0) == (type(error), proxy.connections, server.connections)
    assert "IP address mismatch" in str(error)


async def test_a_redirect_to_another_host():
    """A redirect is refused, whatever host it names: no other host gets a request."""
    async with secured() as other:
        location = f"Location: {other.origin}/api/things/a".encode()
        async with secured(talk=answering(response(b"", location, status=b"302 Found"))) as server:
            error = await failure_of(client(server), "read")

        assert (RedirectRefused, 0) == (type(error), other.connections)


# What a context must do


@pytest.mark.parametrize(
    ("context", "said"),
    [
        (careless(), "must verify certificates and host names"),
        (careless(verify_mode=ssl.CERT_NONE), "must verify certificates and host names"),
        (careless(verify_mode=ssl.CERT_OPTIONAL), "must verify certificates and host names"),
        (optional(), "must verify certificates and host names"),
        (old(minimum_version=ssl.TLSVersion.MINIMUM_SUPPORTED), "must speak nothing older than TLS 1.2"),
        (old(minimum_version=ssl.TLSVersion.TLSv1_1), "must speak nothing older than TLS 1.2"),
        (anonymous(), "must not allow ciphers without certificates"),
        (False, "must be an ssl.SSLContext"),
        (True, "must be an ssl.SSLContext"),
        (str(AUTHORITY), "must be an ssl.SSLContext"),
    ],
)
def test_a_context_that_does_not_verify(context, said):
    """A context that does not verify servers is refused when the client is created."""
    with pytest.raises(UsageError, match=f"^Fourth: ssl_context {said}"):
        Fourth(ssl_context=context)


@pytest.mark.parametrize("option", ["verify", "cert", "trust_env", "check_hostname", "follow_redirects", "headers"])
def test_no_option_turns_it_off(option):
    """There is no other option about TLS."""
    assert option not in ClientOptions.__annotations__

    with pytest.raises(UsageError, match=f"no such option: {option}"):
        Fourth(**{option: False})


@pytest.mark.parametrize("before", [0, 1])
async def test_a_context_that_is_changed_later(before):
    """A context that does not verify any more is refused by the next call, on an open connection too."""
    context = trusting()
    async with secured() as server:
        opened = client(server, ssl_context=context)
        for _ in range(before):
            await CALLS["money"](opened)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        error = await failure_of(opened)

        assert (UsageError, before) == (type(error), len(server.requests))
    assert str(error) == (
        f"fourth.trading.create_order (POST /orders at {server.origin.partition('://')[2]}): "
        "ssl_context was changed: it must verify certificates and host names; nothing was sent"
    )


def test_what_everybody_shares():
    """The shared context verifies servers, and accepts nothing older than TLS 1.2."""
    context = tls.shared_context(secure=True)

    assert tls.fault_of(context) is None
    assert not tls.takes_anonymous_servers(context)


async def test_an_old_server():
    """A server with nothing newer than TLS 1.1 gets no request."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context = presenting("here")
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    async with secured(context) as server:
        error = await failure_of(client(server))

        assert (NotSent, []) == (type(error), server.requests)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_server_of_today(version):
    """TLS 1.2 and 1.3 are spoken."""
    context = presenting("here")
    context.minimum_version = context.maximum_version = version
    async with secured(context) as server:
        async with client(server) as opened:
            await CALLS["money"](opened)

        assert [version.name.replace("_", ".")] == server.versions


# What the environment may say


@pytest.fixture
def _fresh_context():
    """Build the shared context again, before and after."""
    tls.shared_context.cache_clear()
    yield
    tls.shared_context.cache_clear()


@pytest.mark.usefixtures("_fresh_context")
async def test_certificates_of_the_environment(monkeypatch):
    """Authorities that the environment names are not trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(AUTHORITY))
    monkeypatch.setenv("SSL_CERT_DIR", str(AUTHORITY.parent))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(AUTHORITY))
    async with secured() as server:
        error = await failure_of(client(server, ssl_context=None))

        assert (NotSent, []) == (type(error), server.requests)


@pytest.mark.usefixtures("_fresh_context")
@pytest.mark.parametrize("folder", ["", "missing"])
async def test_session_keys_are_not_written_down(monkeypatch, tmp_path, folder):
    """A file for session keys that the environment names is not even opened."""
    path = tmp_path / folder / "keys"
    monkeypatch.setenv("SSLKEYLOGFILE", str(path))
    async with secured() as server:
        error = await failure_of(client(server, ssl_context=None))

    assert (NotSent, False) == (type(error), path.exists())
    assert "certificate verify failed" in str(error)


async def test_proxies_of_the_environment(monkeypatch):
    """Proxies that the environment names get no request, over TLS or not."""
    async with serving(answering(response())) as proxy, secured() as server, serving(answering(response())) as plain:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.origin)
            monkeypatch.setenv(name.lower(), proxy.origin)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        for asked in (server, plain):
            async with client(asked) as opened:
                await CALLS["money"](opened)

        assert (0, 1, 1) == (proxy.connections, len(server.requests), len(plain.requests))


async def test_no_proxy_of_the_environment(monkeypatch):
    """A given proxy is used, whatever exceptions the environment names."""
    monkeypatch.setenv("NO_PROXY", "*")
    async with serving(answering(response(b"no", status=b"502 No"))) as proxy, secured() as server:
        error = await failure_of(client(server, proxy=proxy.origin))

        assert (NotSent, 1, 0) == (type(error), proxy.connections, server.connections)


@pytest.mark.parametrize("variable", ["NETRC", "HOME"])
async def test_passwords_of_the_environment(monkeypatch, tmp_path, variable):
    """A netrc with a password for the host is not read."""
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password word\ndefault login somebody password word\n")
    netrc.chmod(0o600)
    monkeypatch.setenv(variable, str(netrc if variable == "NETRC" else tmp_path))
    async with secured() as server:
        async with client(server) as opened:
            await CALLS["money"](opened)

        assert b"authorization" not in dict(server.headers())


# What is known of a call when TLS fails


async def hangs_up(heard):
    """Accept, and close."""


async def talks_plainly(heard):
    """Answer a handshake in plain HTTP."""
    await heard.reader.read(1)
    await heard.say(response())


@pytest.mark.parametrize("talk", [hangs_up, talks_plainly])
async def test_a_handshake_that_fails(talk):
    """A handshake that fails proves that nothing was sent."""
    async with serving(talk) as server:
        error = await failure_of(client(server, base_url=f"https://127.0.0.1:{server.port}"))

    assert NotSent is type(error)


async def test_a_connection_that_breaks_after_the_request():
    """Over TLS as elsewhere a request that left without an answer has an unknown outcome."""
    async with secured(talk=once()) as server:
        error = await failure_of(client(server))

        assert (OutcomeUnknown, 1) == (type(error), len(server.requests))


async def test_http_to_a_server_that_speaks_tls():
    """A plain request to a TLS server was sent: its outcome is unknown."""
    async with secured() as server:
        error = await failure_of(client(server, base_url=f"http://127.0.0.1:{server.port}"))

        assert (OutcomeUnknown, []) == (type(error), server.requests)
