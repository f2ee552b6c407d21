"""Faults that a simulator can inject: where, when, and what they do."""
