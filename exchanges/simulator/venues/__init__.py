"""The exchanges that a simulator plays."""
