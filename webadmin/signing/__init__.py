"""The keys that domains sign their mail with (DKIM)."""
