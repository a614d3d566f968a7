"""Keys and certificates for private mail (OpenPGP, S/MIME), and what is done with mail by them."""
