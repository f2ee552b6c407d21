"""Live channels: what is subscribed to, what arrives, and order books that are kept from it.

Everything that decides is plain functions and classes on values, with the clock handed in; `connection` and `runner`
alone are asynchronous. A kept book is right or it cannot be read: see `exchanges.streams.keepers`.
"""
