"""Whom other programs want to be told by: URLs, what they are told, and every try."""
