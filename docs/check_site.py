"""Check the built site: every link within it leads somewhere, and every wide table can be scrolled.

Run by ``nox -s docs`` with the folder of the site as argument.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# Written by Sphinx itself, without content of ours.
GENERATED = {"search.html", "genindex.html", "py-modindex.html"}


class Page(HTMLParser):
    """The links and anchors of one page.

    Attributes:
        links: Targets of links, without those to other sites.
        anchors: Ids that a link can lead to.
        loose_tables: Tables that stand in no element that scrolls.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors = {""}
        self.loose_tables = 0
        self._wrapped = False
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect what a tag adds."""
        given = {name: value or "" for name, value in attrs}
        self.anchors.add(given.get("id", ""))
        parts = urlsplit(given.get("href", ""))
        if tag == "a" and "href" in given and not parts.scheme and not parts.netloc:
            self.links.append(given["href"])
        if tag == "table":
            self.loose_tables += not self._wrapped
        self._wrapped = "table-wrapper" in given.get("class", "")


def faults(site: Path) -> Iterator[str]:
    """Yield what is wrong with the pages of a site."""
    pages = {path: Page(path) for path in site.rglob("*.html")}
    for path, page in pages.items():
        name = path.relative_to(site)
        for link in page.links:
            parts = urlsplit(link)
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.exists():
                yield f"{name}: {link} leads to no file"
            elif target in pages and unquote(parts.fragment) not in pages[target].anchors:
                yield f"{name}: {link} leads to no heading or name"
        if page.loose_tables and name.name not in GENERATED:
            yield f"{name}: {page.loose_tables} tables do not scroll"


def main() -> int:
    """Print what is wrong; return 0 if nothing is."""
    found = list(faults(Path(sys.argv[1]).resolve()))
    print(*found[:50] or ["every link leads somewhere"], sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
