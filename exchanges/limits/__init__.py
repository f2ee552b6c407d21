"""How many calls an exchange takes, who waits for them, and in which order nonces are given out."""
