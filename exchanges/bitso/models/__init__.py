"""What the current API of Bitso answers with, one module per area."""
