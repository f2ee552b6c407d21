"""State on a Redis or Valkey server, shared by the processes of several hosts."""
