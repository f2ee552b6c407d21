"""The README as the package index shows it: links to files of the repository lead to those of the release."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

CODE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
RELATIVE = re.compile(r"\]\((?!https?://|#)([^)\s]+)\)")


class ReadmeHook(MetadataHookInterface):
    """Sets the readme of the metadata."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the readme, with absolute links."""
        root = Path(self.root)
        (version,) = re.findall(r'__version__ = "(.+)"', (root / "exchanges" / "version.py").read_text("utf-8"))
        files = f"{self.config['repository']}/blob/v{version}"
        # Every second part is code, where a call looks like a link.
        parts = CODE.split((root / "README.md").read_text("utf-8"))
        parts[::2] = [RELATIVE.sub(rf"]({files}/\1)", part) for part in parts[::2]]
        text = "".join(parts)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
