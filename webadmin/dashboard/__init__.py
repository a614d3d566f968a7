"""The pages: what an administrator sees in a browser."""
