"""Bytes: requests, signing, TLS, uploads, and the transport that sends and reads them."""
