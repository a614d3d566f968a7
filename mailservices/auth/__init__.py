"""Who is at the other end: one room for every server."""
