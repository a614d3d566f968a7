"""POP3 (RFC 1939, RFC 2449) as bytes and tables: no socket, no clock."""
