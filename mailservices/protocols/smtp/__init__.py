"""SMTP commands, parameters, replies and states (RFC 5321)."""
