import asyncio
import io
import os
import threading
from pathlib import Path

import pytest

from exchanges.http.uploads import CHUNK, Upload
from tests.support.own_connections import until

PNG = "image/png"


def upload(document, *, name="scan.png", max_bytes=10 * CHUNK, **options):
    """Look at a document that is to be a PNG."""
    return Upload.of(document, name=name, accepted={PNG, "image/jpeg"}, max_bytes=max_bytes, **options)


def refusal(document, **options):
    """Return the message about a document that is refused."""
    with pytest.raises(ValueError, match=r"^must") as caught:
        upload(document, **options)
    return str(caught.value)


async def read(made):
    """Read a document as it is read while it travels."""
    return [chunk async for chunk in made.chunks()]


def written(folder, content=b"content", name="scan.png"):
    """Write a file."""
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("content", [b"content", bytearray(b"content")])
async def test_bytes(content):
    """Bytes are what is sent, as they were when they were given."""
    made = upload(content)
    if isinstance(content, bytearray):
        content[:] = b"changed"

    assert (7, PNG, [b"content"]) == (made.size, made.content_type, await read(made))


@pytest.mark.parametrize("kind", [str, Path])
async def test_a_path(kind, tmp_path):
    """A path is sent as the file that it leads to, under that file's name."""
    made = upload(kind(written(tmp_path)), name=None)

    assert ("scan.png", 7, PNG, [b"content"]) == (made.name, made.size, made.content_type, await read(made))


async def test_an_open_file(tmp_path):
    """An open file is sent from its current position, and stays open."""
    with written(tmp_path).open("rb") as file:
        file.seek(3)
        made = upload(file, name=None)

        assert ("scan.png", 4, [b"tent"], False) == (made.name, made.size, await read(made), file.closed)


async def test_an_open_file_that_was_read_meanwhile():
    """An open file is sent from its position at the time of the call, even if it is read afterwards."""
    file = io.BytesIO(b"content")
    made = upload(file)
    file.read()

    assert [b"content"] == await read(made)


async def test_twice(tmp_path):
    """A document can be read again from its beginning."""
    made = upload(written(tmp_path))

    assert [[b"content"], [b"content"]] == [await read(made), await read(made)]


async def test_pieces(tmp_path):
    """A large file is read in pieces."""
    made = upload(written(tmp_path, bytes(2 * CHUNK + 1)))

    assert [CHUNK, CHUNK, 1] == [len(chunk) for chunk in await read(made)]


async def test_a_file_that_grows(tmp_path):
    """Of a file that grew only as many bytes are sent as were announced."""
    path = written(tmp_path)
    made = upload(path)
    path.write_bytes(b"content and more")

    assert [b"content"] == await read(made)


async def test_a_file_that_shrinks(tmp_path):
    """A file that was shortened cannot be sent as announced."""
    path = written(tmp_path)
    made = upload(path)
    path.write_bytes(b"con")
    with pytest.raises(OSError, match="became shorter"):
        await read(made)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "must hold between 1 and 5 bytes, not 0"), (b"123456", "must hold between 1 and 5 bytes, not 6")],
)
def test_a_bad_size(content, said, tmp_path):
    """An empty or too large document is refused, in whatever form it is passed."""
    documents = [content, written(tmp_path, content), io.BytesIO(content)]

    assert [said] * 3 == [refusal(document, max_bytes=5) for document in documents]


@pytest.mark.parametrize("content", [b"1", b"12345"])
def test_the_bounds_of_the_size(content):
    """One byte is enough, and the largest size is not too large."""
    assert len(content) == upload(content, max_bytes=5).size


@pytest.mark.parametrize(("name", "said"), [("a.gif", "image/gif"), ("a", "unknown")])
def test_a_type_that_is_not_accepted(name, said):
    """A document of a type that the exchange does not take is refused."""
    assert f"must be one of image/jpeg, image/png, not {said}" == refusal(b"x", name=name)


def test_a_type_that_is_given():
    """A given type overrides the one that the name suggests."""
    assert upload(b"x", name="a.gif", content_type="image/jpeg").content_type == "image/jpeg"


@pytest.mark.parametrize("path", ["nowhere.png", "x" * 5000])
def test_no_such_file(path, tmp_path):
    """A path that leads nowhere is refused without being printed."""
    assert refusal(str(tmp_path / path)).startswith("must be a file that can be read (")


def test_a_folder(tmp_path):
    """A folder is no file, whatever its name."""
    (tmp_path / "scan.png").mkdir()

    assert refusal(tmp_path / "scan.png", name=None) == "must be a file, not a folder or a device"


def test_a_pipe(tmp_path):
    """A pipe is refused without waiting for its writer."""
    os.mkfifo(tmp_path / "scan.png")

    assert refusal(tmp_path / "scan.png") == "must be a file, not a folder or a device"


def test_a_file_that_cannot_be_opened(monkeypatch, tmp_path):
    """A file that this process may not open is refused before anything is sent."""
    path = written(tmp_path)

    def deny(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", deny)

    assert refusal(path) == "must be a file that can be read (Permission denied)"


def test_a_file_of_text(tmp_path):
    """A file that is open for text has no bytes to send."""
    with written(tmp_path).open() as file:
        assert refusal(file) == "must be a file that is open for reading bytes and can be rewound"


def test_a_file_for_writing(tmp_path):
    """A file that is open for writing alone cannot be sent."""
    with (tmp_path / "scan.png").open("wb") as file:
        assert refusal(file) == "must be a file that is open for reading bytes and can be rewound"


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("scan 1.png", "scan 1.png"),
        ("/home/me/scan.png", "scan.png"),
        ("../../scan.png", "scan.png"),
        ("C:\\me\\scan.png", "C:_me_scan.png"),
        ('a"; x="b.png', "a_; x=_b.png"),
        ("a\r\nX: b.png", "a__X: b.png"),
        ("c\u00e9dula.png", "c_dula.png"),
    ],
)
def test_a_name_is_made_safe(name, plain):
    """A file name is sent without its path and without characters that could end it in a header."""
    assert plain == upload(b"x", name=name).name


def test_repr():
    """A document shows what it is: what it holds is secret, and its name may be that of a person."""
    assert "Upload(content_type='image/png', size=6)" == repr(upload(b"secret", name="somebody.png"))


class Watched(io.BytesIO):
    """A file that records the threads in which it is read and closed, and may hang."""

    def __init__(self, content):
        super().__init__(content)
        self.threads, self.hangs, self.reads = [], threading.Event(), threading.Event()
        self.hangs.set()

    def read(self, size=-1):
        """Read when it does not hang any more."""
        self.threads.append(threading.current_thread())
        self.reads.set()
        self.hangs.wait()
        return super().read(size)

    def close(self):
        """Close like a file of the disk, which waits for a read that hangs."""
        self.threads.append(threading.current_thread())
        self.hangs.wait()
        super().close()


async def test_a_file_is_read_and_closed_in_threads():
    """The event loop neither reads nor closes a file: both may hang."""
    file = Watched(b"content")
    chunks = await read(Upload("a.png", PNG, 7, lambda: file))

    assert ([b"content"], True) == (chunks, file.closed)
    assert threading.current_thread() not in file.threads


@pytest.mark.parametrize("ends", ["cancelled", "closed"])
async def test_a_file_that_is_not_read_to_its_end(ends):
    """A file whose request ends early is closed."""
    file = Watched(bytes(2 * CHUNK))
    chunks = Upload("a.png", PNG, 2 * CHUNK, lambda: file).chunks()
    await anext(chunks)
    if ends == "closed":
        await chunks.aclose()
    else:
        with pytest.raises(asyncio.CancelledError):
            await chunks.athrow(asyncio.CancelledError)
    await until(lambda: file.closed)

    assert threading.current_thread() not in file.threads


@pytest.mark.parametrize("opens", [True, False], ids=["while it is opened", "while it is read"])
async def test_a_file_that_hangs(opens):
    """A file that hangs does not hold up the loop, and is closed when it goes on."""
    file = Watched(b"content")
    file.hangs.clear()

    def open_late():
        file.reads.set()
        file.hangs.wait()
        return file

    task = asyncio.create_task(read(Upload("a.png", PNG, 7, open_late if opens else lambda: file)))
    await until(file.reads.is_set)
    task.cancel()
    await asyncio.wait((task,))
    before = file.closed
    file.hangs.set()
    await until(lambda: file.closed)

    assert (True, False) == (task.cancelled(), before)
    assert threading.current_thread() not in file.threads
    assert opens or len(set(file.threads)) == 1  # the thread that hung has closed it
