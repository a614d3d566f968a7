"""POP2 (RFC 937) as bytes and tables: no socket, no clock. A curiosity of 1985; its lines are read as POP3's."""
