"""Models of the current API of Bitstamp (v2): one module per area."""
