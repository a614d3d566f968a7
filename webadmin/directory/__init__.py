"""Who exists: domains, accounts, addresses, administrators, API tokens."""
