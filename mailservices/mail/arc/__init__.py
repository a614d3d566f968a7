"""The Authenticated Received Chain (RFC 8617): who handled a message on its way, and what each had found out."""
