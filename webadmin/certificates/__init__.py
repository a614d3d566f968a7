"""The certificates that the servers present, by the names in them."""
