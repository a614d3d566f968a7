"""SASL (RFC 4422) as challenge and response, without a socket, a clock or a database."""
