"""Configuration of the documentation site: ``nox -s docs``."""

import sys
from pathlib import Path

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS), str(DOCS.parent)]

import declarations  # noqa: E402 - it stands beside this file
from sphinx.application import Sphinx  # noqa: E402
from sphinx.util.typing import stringify_annotation  # noqa: E402

from exchanges import __version__  # noqa: E402
from exchanges.endpoint import Area, Endpoint  # noqa: E402

project = "aioexchanges"
copyright = "the aioexchanges authors"  # noqa: A001 - the name that Sphinx reads
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build", "reference/tables"]
html_theme = "furo"
html_title = f"aioexchanges {release}"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_theme_options = {
    "source_repository": "https://github.com/aioexchanges/aioexchanges/",
    "source_branch": "main",
    "source_directory": "docs/",
}

myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]
# Docstrings put names of code in single backticks.
default_role = "py:obj"
napoleon_custom_sections = ["Answer", "Source"]
napoleon_use_ivar = True
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
maximum_signature_line_length = 100
toc_object_entries = False
# A field that several models have is named without its model in docstrings: it is no link then.
suppress_warnings = ["ref.python"]


def write_generated(app: Sphinx) -> None:
    """Write the pages and tables that the declarations are the source of."""
    reference = Path(app.srcdir) / "reference"
    (reference / "tables").mkdir(parents=True, exist_ok=True)
    for name, text in declarations.reference_pages():
        (reference / f"{name}.rst").write_text(text, "utf-8")
    for exchange in declarations.CLIENTS:
        (reference / "tables" / f"{exchange}.md").write_text(declarations.endpoint_tables(exchange), "utf-8")
        if declarations.channels(exchange):
            table = declarations.channel_table(exchange)
            (reference / "tables" / f"{exchange}-channels.md").write_text(table, "utf-8")
    (reference / "tables" / "commands.md").write_text(declarations.command_table(), "utf-8")
    (reference / "tables" / "limits.md").write_text(declarations.limit_table(), "utf-8")


def add_facts(_app: Sphinx, _what: str, _name: str, shown: object, _options: object, lines: list[str]) -> None:
    """Put what is declared of an endpoint above its docstring."""
    if isinstance(endpoint := getattr(shown, "endpoint", None), Endpoint):
        # Under "Returns:" the words before a colon ("Wire: list of objects") would be read as the type.
        answered = ["Answer:" if line == "Returns:" else line for line in lines]
        lines[:] = [*declarations.facts(endpoint), *answered]


PLAIN: dict[str, list[str]] = {}
"""Docstrings of fields and properties, by name, until napoleon has been at them."""
FIELDS = ("attribute", "data", "property")


def keep_field(_app: Sphinx, what: str, name: str, _shown: object, _options: object, lines: list[str]) -> None:
    """Keep the docstring of a field: napoleon takes the words before its first colon for a type."""
    if what in FIELDS and not any(line.endswith(":") for line in lines):
        PLAIN[name] = list(lines)


def restore_field(_app: Sphinx, _what: str, name: str, _shown: object, _options: object, lines: list[str]) -> None:
    """Put back what was kept."""
    lines[:] = PLAIN.pop(name, lines)


def sign(
    _app: Sphinx, _what: str, _name: str, shown: object, _options: object, signature: str, returned: str
) -> tuple[str, str]:
    """Show the arguments of an endpoint as they are declared."""
    if isinstance(endpoint := getattr(shown, "endpoint", None), Endpoint):
        return declarations.signature(endpoint), stringify_annotation(endpoint.answer, "smart")
    if isinstance(shown, type) and issubclass(shown, Area):
        return "", ""  # an area is an attribute of a client, which nobody creates
    return signature, returned


def setup(app: Sphinx) -> None:
    """Connect the generated parts."""
    app.connect("builder-inited", write_generated)
    # Before napoleon reads the sections.
    app.connect("autodoc-process-docstring", add_facts, priority=400)
    app.connect("autodoc-process-docstring", keep_field, priority=400)
    app.connect("autodoc-process-docstring", restore_field, priority=600)
    app.connect("autodoc-process-signature", sign)
