"""Bytes to events and back, for each protocol. Sans-IO: no socket, clock, event loop or SQL."""
