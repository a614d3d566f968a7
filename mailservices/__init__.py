"""The mail engine: SMTP, IMAP and POP3 servers over shared floors. README.md has the map."""
