"""Files of rows that a download writes and continues."""

import errno
import io
from contextlib import closing
from pathlib import Path

import pytest

from exchanges import ExchangeError, UsageError
from exchanges.commands.sheets import Sheet
from tests.support.downloads import SOURCE, noted, rows_of


class TestSheet:
    @pytest.mark.parametrize("name", ["rows", "rows.txt", "no/such/folder.csv", "taken.csv", "taken.csv/a.csv"])
    def test_a_wrong_name(self, name, tmp_path):
        """The name tells the form; a folder must be there, and no folder in the place of the file."""
        (tmp_path / "taken.csv").mkdir()
        (tmp_path / "taken.csv" / "a.csv").mkdir()
        with pytest.raises(UsageError, match=r"csv"):
            Sheet(tmp_path / name, SOURCE)

    @pytest.mark.parametrize(
        ("name", "content"),
        [("a.csv", b"a,b\n1\n"), ("a.jsonl", b"{\n"), ("a.csv", b"\xff\n1\n"), ("a.jsonl", b"7 7\n")],
    )
    @pytest.mark.parametrize("is_noted", [True, False])
    def test_another_file(self, is_noted, name, content, tmp_path):
        """A file of something else is left alone."""
        path = noted(tmp_path / name, content)
        if not is_noted:
            path.with_name(f"{name}.source").unlink()
        with pytest.raises(UsageError, match=r"cannot be continued|is not known to be one of this command"):
            Sheet(path, SOURCE)

        assert content == path.read_bytes()

    @pytest.mark.parametrize(("name", "content"), [("a.csv", b"a,b\n1,2\n"), ("a.jsonl", b'{"a": 1, "b": 2}\n')])
    @pytest.mark.parametrize("row", [{"a": 1, "c": 2}, {"b": 2, "a": 1}, {"a": 1}])
    def test_other_columns(self, row, name, content, tmp_path):
        """Rows with other columns than the file are refused, also behind rows with the same."""
        sheet = Sheet(path := noted(tmp_path / name, content), SOURCE)
        with pytest.raises(UsageError, match="other columns"):
            sheet.append([{"a": 1, "b": 2}, row])
        sheet.close()

        assert content == path.read_bytes()

    @pytest.mark.parametrize("suffix", ["csv", "jsonl"])
    def test_an_interruption(self, suffix, tmp_path):
        """Wherever writing was interrupted, in the head too, the next rows complete what is there."""
        rows = [{"a": "1.50", "b": "x"}, {"a": "2.50", "b": "y"}]
        with closing(Sheet(tmp_path / f"a.{suffix}", SOURCE)) as sheet:
            sheet.append(rows)
        whole = (tmp_path / f"a.{suffix}").read_bytes()
        for size in range(len(whole)):
            path = noted(tmp_path / f"b.{suffix}", whole[:size])
            with closing(Sheet(path, SOURCE)) as sheet:
                sheet.append(rows[0 if sheet.last is None else 1 + rows.index(sheet.last) :])

                assert (whole, True) == (path.read_bytes(), sheet.is_whole)

    @pytest.mark.parametrize("tail", [b"my notes", b"3", b"2.50,z", b"2.50,y,", b"\xff"])
    def test_a_tail_of_somebody_else(self, tail, tmp_path):
        """An incomplete last line that is not the beginning of the next row stays as it is."""
        path = noted(tmp_path / "a.csv", content := b"a,b\n1.50,x\n" + tail)
        with closing(Sheet(path, SOURCE)) as sheet:
            with pytest.raises(UsageError, match="the next row does not begin with it"):
                sheet.append([{"a": "2.50", "b": "y"}])

            assert (content, False) == (path.read_bytes(), sheet.is_whole)

    def test_a_file_that_appears(self, tmp_path):
        """A file that another program creates before the first row is written is left to it."""
        sheet = Sheet(path := tmp_path / "a.csv", SOURCE)
        path.write_bytes(b"theirs")
        with pytest.raises(ExchangeError, match="cannot be written: File exists"):
            sheet.append([{"a": 1}])

        assert b"theirs" == path.read_bytes()

    def test_a_full_disk(self, tmp_path, monkeypatch):
        """What cannot be written is an error that names file and reason."""
        with Path("/dev/full").open("wb", buffering=0) as full:
            sheet = Sheet(tmp_path / "a.csv", SOURCE)
            monkeypatch.setattr(sheet, "_file", full)
            with pytest.raises(ExchangeError, match=r"a\.csv: the file cannot be written: No space left on device"):
                sheet.append([{"a": 1}])

    def test_rows_of_a_full_disk(self, tmp_path):
        """Rows that were written before the disk was full are counted."""

        class Full(io.BytesIO):
            def write(self, data):
                if self.tell():
                    raise OSError(errno.ENOSPC, "No space left on device")
                return super().write(bytes(data)[:9])

        sheet = Sheet(tmp_path / "a.csv", SOURCE)
        sheet._file = Full()
        with pytest.raises(ExchangeError, match="cannot be written"):
            sheet.append([{"a": "1"}, {"a": "2"}, {"a": "3"}, {"a": "4"}])

        assert (3, b"a\n1\n2\n3\n4") == (sheet.rows, sheet._file.getvalue())

    def test_cells(self, tmp_path):
        """A cell never breaks a line; what is no text is JSON, and None is empty."""
        path = tmp_path / "a.csv"
        sheet = Sheet(path, SOURCE)
        sheet.append([{"a": "x\ny", "b": {"k": "1.50"}, "c": None, "d": "plain, text"}])
        sheet.close()
        (row,) = rows_of(path)

        assert {"a": '"x\\ny"', "b": '{"k": "1.50"}', "c": "", "d": "plain, text"} == row
