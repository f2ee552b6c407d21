"""State in a file, shared by the processes of one host."""
