"""What became of a call: what its answer proves, what is still pending, and how to find out."""
