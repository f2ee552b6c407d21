"""Waiting: limits and their windows, the limiter, pacing of polls, and counters of nonces."""
