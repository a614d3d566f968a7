"""Acts that take longer than one request: their steps, how far they are, what became of them."""
