"""Ways in which a server loses writes, and how soon its hosts count as dead."""

LEASE_SECONDS = 5.0


def emptied(shelf, _):
    """Delete everything."""
    shelf.empty()


def restarted(shelf, _):
    """Set the run id to that of another process."""
    shelf.server.ask("HSET", shelf.key("meta"), "run", "another")


def older(shelf, _):
    """Set the count of writes back, as where the last ones are lost."""
    shelf.server.ask("HSET", shelf.key("meta"), "writes", "1")


def stepped(_, clock):
    """Set the clock forward."""
    clock.set_server(3600)


LOSSES = [
    (emptied, "was emptied"),
    (restarted, "was restarted or replaced"),
    (older, "has lost writes"),
    (stepped, "clock of its server was set forward"),
]
