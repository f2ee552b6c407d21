"""What travels as bytes: requests, how they are signed, and how they get to the server and back."""
