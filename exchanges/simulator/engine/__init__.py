"""A spot exchange that belongs to no exchange: balances, orders, matching, prices, events."""
