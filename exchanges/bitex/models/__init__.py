"""What Bitex answers with and takes, one module per area."""
