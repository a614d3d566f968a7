"""What a domain has in the DNS: the records that it needs, are they there, which TLS policy it offers."""
