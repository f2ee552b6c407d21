"""The session: the only part that sends. Configuration, destinations, admission, and the path of a call.

Rules for editors: nothing here knows an exchange; what differs between exchanges is a fact of `exchanges.endpoint`.
"""
