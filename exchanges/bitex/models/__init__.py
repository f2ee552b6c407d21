"""What Bitex returns and accepts: one module per area, and `codes`, `places` and `jsonapi`, which several use."""
