"""The commands of ``python -m exchanges``: one module each, with `arguments` and `run`, and shared modules."""
