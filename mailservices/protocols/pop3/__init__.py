"""POP3 commands, responses and states (RFC 1939)."""
