"""OpenPGP (RFC 9580) and PGP/MIME (RFC 3156): pure wrappers around Sequoia; no crypto of our own."""
