"""The one path of a request, and what a session needs for it."""
