"""The outside world: worker processes, sockets, TLS, DNS, nudges, health."""
