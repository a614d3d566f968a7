"""Who signed in, who is blocked, what is suspicious."""
