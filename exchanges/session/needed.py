"""What a call may need between its first byte and its verdict, loaded before there is a first byte.

Modules that few programs need are loaded when they are first used, by this package and by the standard library. A file
cannot be read at any moment: the program may have no descriptor left, or its files may just be replaced. So a client
that can change something loads all of them when it is created, at once: what decodes an answer, what recognises what a
call made, and what a cancel or a new connection needs besides.

Rule for editors: what a module of this path imports in a function is imported here as well.
"""

import concurrent.futures.thread
import email.utils
import encodings.idna
import html
import json
import random
import secrets

from exchanges.endpoint import undeclared
from exchanges.outcomes import matching, named, reconcile, verdicts, window
from exchanges.wire import fast_books, fast_rows

__all__ = ["MODULES"]

MODULES = (
    concurrent.futures.thread,
    email.utils,
    encodings.idna,
    html,
    json,
    random,
    secrets,
    fast_books,
    fast_rows,
    matching,
    named,
    reconcile,
    undeclared,
    verdicts,
    window,
)
"""All of them; the searches of an exchange are loaded by its client."""
