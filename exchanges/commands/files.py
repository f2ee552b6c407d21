"""What commands write to: regular files alone, never a device, a pipe or a link that leads nowhere."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from exchanges import UsageError


def is_file(path: Path) -> bool:
    """Return whether there is a file, which can be written; False: there is nothing, and a file can be created.

    Raises:
        UsageError: Something else is there, it cannot be written, or there is no such folder.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        _require_place(path)
        return False
    except OSError as error:
        raise UsageError(f"{path}: the file cannot be opened: {error.strerror}") from None
    # To open a pipe waits for its other end, and a device may never end.
    if not stat.S_ISREG(mode):
        raise UsageError(f"{path}: the file cannot be opened: it is a folder, a device or a pipe")
    if not os.access(path, os.W_OK):
        raise UsageError(f"{path}: the file cannot be written: permission denied")
    return True


def _require_place(path: Path) -> None:
    if path.is_symlink():
        raise UsageError(f"{path}: it is a link to a file that does not exist; choose another name")
    if not path.parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.parent}")
    if not os.access(path.parent, os.W_OK):
        raise UsageError(f"{path}: no file can be created in {path.parent}")
