"""IMAP commands, responses, states and views (RFC 9051, RFC 3501)."""
