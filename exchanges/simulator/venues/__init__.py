"""The simulated exchanges: each has an engine, accounts, API generations and handlers."""
