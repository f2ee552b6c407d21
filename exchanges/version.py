"""The version of the package, also sent to the exchanges."""

__all__ = ["__version__"]

__version__ = "0.2.0"
