"""How a server is reached: its names, databases, users, passwords and TLS; and what is kept on it."""

import asyncio
import shutil
from urllib.parse import quote

import pytest

from exchanges.errors import StateError
from exchanges.state.redis import scripts
from tests.support.cutting_proxy import cutting_proxy
from tests.support.file_states import KEY, SERVER, call, enter, entry, leave, shared_limiter_of
from tests.support.fourth import CREDENTIALS, Fourth
from tests.support.leak_sinks import Scene, leaks
from tests.support.redis_servers import executable
from tests.support.redis_states import Shelf, StillClock, beat
from tests.support.scripted_transport import Script
from tests.support.secrets import PASSWORD, Detector
from tests.support.tls_servers import AUTHORITY, presenting

WINDOW = (2, 10.0)
LEASE = scripts.LEASE_SECONDS


@pytest.fixture
def state(own):
    """Open a state on it."""
    with own.open() as state:
        yield state


async def test_the_clock_of_the_server(redis):
    """Moments are those of the server, on which a database that was never used grants nothing for five seconds."""
    with Shelf(redis).open() as state:
        wait = await enter(shared_limiter_of(state, WINDOW))
        said = state._store.host.read(SERVER, {"what": "since", "account": KEY})
    seconds, _ = redis.ask("TIME")

    assert (0 < wait <= LEASE, abs(int(seconds) - said.now) < 3600) == (True, True)


async def test_other_names_of_one_server(own, tmp_path):
    """Two hosts that call the server by different names share everything."""
    with cutting_proxy(own.server.path) as proxy:
        urls = (own.server.url, f"redis://127.0.0.1:{proxy.port}/0", f"redis://localhost:{proxy.port}")
        with own.open(url=urls[0]) as one, own.open(url=urls[1]) as two, own.open(url=urls[2]) as three:
            nonces = [await call(shared_limiter_of(s), in_order=True) for s in (one, two, three)]

    assert [1, 2, 3] == nonces


async def test_another_database(own, state):
    """States in different databases, or with different prefixes, share nothing."""
    elsewhere = Shelf(own.server)
    elsewhere.settle()
    StillClock(own.server, elsewhere.prefix)
    with own.open(prefix=elsewhere.prefix) as other:
        held = [await enter(shared_limiter_of(s), in_order=True) for s in (state, other)]

    assert [1, 1] == [lease.nonce for lease in held]


# Users, passwords and TLS


async def test_users_and_passwords(own):
    """A user of an ACL with what the guide lists is enough; a password is read from the URL."""
    own.server.ask(
        "ACL", "SETUSER", "trader", "on", f">{PASSWORD}", *RIGHTS, "+subscribe", f"~{own.prefix}:*", f"&{own.prefix}:*"
    )
    user = f"trader:{quote(PASSWORD, safe='')}"
    with (
        cutting_proxy(own.server.path) as proxy,
        own.open(url=f"redis://{user}@127.0.0.1:{proxy.port}/0") as state,
    ):
        limiter = shared_limiter_of(state, WINDOW)
        held = await enter(limiter, in_order=True)
        await state.journal.begin(entry())
        await leave(held, complete=True)

        assert ((1,), 1) == (limiter.headroom().free, len(state.journal.entries(SERVER, KEY)))
        while not own.server.ask("PUBSUB", "CHANNELS", f"{own.prefix}:*"):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.001)


async def test_a_user_who_may_not_publish(own, monkeypatch, caplog):
    """Who waits for a key lock asks again by itself where nobody may wake it, and the release is done."""
    monkeypatch.setattr("exchanges.state.redis.scripts.POLL_SECONDS", 0.001)
    rights = [right for right in RIGHTS if right != "+publish"]
    own.server.ask("ACL", "SETUSER", "mute", "on", f">{PASSWORD}", *rights, f"~{own.prefix}:*")
    user = f"mute:{quote(PASSWORD, safe='')}"
    with cutting_proxy(own.server.path) as proxy, own.open(url=f"redis://{user}@127.0.0.1:{proxy.port}/0") as state:
        limiter = shared_limiter_of(state, WINDOW)
        held = await enter(limiter, in_order=True)
        asking = asyncio.ensure_future(enter(limiter, in_order=True))
        while not own.server.ask("HLEN", own.key(f"line:{KEY}")):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.001)
        await leave(held, complete=True)

        assert held.nonce + 1 == (await asking).nonce
        assert [] == [message for message in caplog.messages if "will be written later" in message]


RIGHTS = ("resetchannels", "-@all", "+@read", "+@write", "+@scripting", "+@connection", "+info", "+time", "+publish")


@pytest.mark.parametrize("case", ["wrong password", "no rights", "gone"])
async def test_no_password_shows(case, own):
    """A password is in no message, traceback, log, pickle or repr, whatever the server says of it."""
    own.server.ask("ACL", "SETUSER", "trader", "on", ">another", "~*")
    password = "another" if case == "no rights" else PASSWORD
    scene = Scene(Detector())
    with cutting_proxy(own.server.path) as proxy:
        port = 1 if case == "gone" else proxy.port
        with scene.played(), own.open(url=f"redis://trader:{quote(password, safe='')}@127.0.0.1:{port}/0") as state:
            for use in (
                lambda: enter(shared_limiter_of(state, WINDOW)),
                lambda: state.journal.begin(entry()),
                lambda: asyncio.to_thread(state.journal.entries, SERVER, KEY),
            ):
                with pytest.raises(StateError) as caught:
                    await use()
                scene.errors.append(caught.value)
            shown = repr([state, state._store.host.link._address, state.journal])
            scene.clients.append(Fourth(state=state, transport=Script.of(), **CREDENTIALS))
    words = {"wrong password": "rejected the user or the password", "no rights": "does not permit", "gone": "cannot be"}

    assert [True] * 3 == [words[case] in str(error) for error in scene.errors]
    assert {} == {sink: found for sink, found in leaks(scene).items() if found}
    assert [] == scene.detector.find(shown)


async def test_tls(own):
    """With ``rediss`` the certificate of the server is verified, against an authority that the URL may name."""
    with cutting_proxy(own.server.path, presenting("here")) as proxy:
        url = f"rediss://127.0.0.1:{proxy.port}/0"
        with own.open(url=f"{url}?ssl_ca_certs={quote(str(AUTHORITY))}") as state:
            granted = await enter(shared_limiter_of(state, WINDOW))
        with own.open(url=url) as state, pytest.raises(StateError, match="cannot be reached") as caught:
            await enter(shared_limiter_of(state, WINDOW))

    assert (False, True) == (isinstance(granted, float), "certificate verify failed" in str(caught.value).lower())


async def test_a_certificate_of_another_server(own):
    """With ``rediss`` the name of the server must be that of its certificate."""
    with cutting_proxy(own.server.path, presenting("elsewhere")) as proxy:
        url = f"rediss://127.0.0.1:{proxy.port}/0?ssl_ca_certs={quote(str(AUTHORITY))}"
        with own.open(url=url) as state, pytest.raises(StateError, match="cannot be reached"):
            await enter(shared_limiter_of(state, WINDOW))


# What is kept


async def test_what_is_on_the_server(own, state):
    """All keys of an account share one hash tag and never expire, and contain its fingerprint alone."""
    limiter = shared_limiter_of(state, WINDOW)
    held = await enter(limiter, in_order=True)
    await state.journal.begin(written := entry())
    await leave(held, complete=True, floor=7)
    await state.journal.settle(written.intent.id, known="made:1")
    keys = [key for key in own.server.ask("KEYS", f"{own.prefix}:*") if not key.endswith(":clock")]

    assert {own.key("")} == {key[: len(own.key(""))] for key in keys}
    assert {-1} == {own.server.ask("TTL", key) for key in keys}
    assert {"alive", "held", "meta", "nonces", "since", f"made:{KEY}"} - {k[len(own.key("")) :] for k in keys} == {
        "held"
    }


async def test_how_much_is_kept(own, monkeypatch):
    """Of what was created only so many ids are kept, and the record then starts later."""
    monkeypatch.setattr("exchanges.state.redis.scripts.KEPT_NAMES", 3)
    with own.open() as state:
        written = [entry() for _ in range(5)]
        for number, call_ in enumerate(written):
            await state.journal.begin(call_)
            await state.journal.settle(call_.intent.id, known=f"a:{number}")

        assert {"a:2", "a:3", "a:4"} == state.journal.known(SERVER, KEY, {f"a:{n}" for n in range(5)}, "none")
        assert written[1].intent.at < state.journal.since(SERVER, KEY) <= written[2].intent.at


async def test_what_an_order_asks_the_journal(own, state):
    """What the guard costs the server does not grow with the number of open calls."""
    found = []
    for number in (3, 40):
        while len(state.journal.entries(SERVER, KEY)) < number:
            await state.journal.begin(entry(digest="another", named=f"#id:{number}"))
        await beat(state)
        own.server.ask("CONFIG", "RESETSTAT")
        assert () == state.journal.matching(SERVER, KEY, digest="same", named="#id:0")
        found.append({name: facts["calls"] for name, facts in own.server.ask("INFO", "commandstats").items()})

    assert found[0] == found[1]


def test_where_there_is_no_server(monkeypatch):
    """Tests look for a server in PATH too, and are skipped where there is none."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setattr(shutil, "which", lambda name: "/bin/valkey-server" if name == "valkey-server" else None)

    assert "/bin/valkey-server" == executable()
