"""DomainKeys Identified Mail (RFC 6376): who signed a message, and signing our own."""
