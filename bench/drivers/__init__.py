"""The load drivers: programs of their own, one for each protocol."""
