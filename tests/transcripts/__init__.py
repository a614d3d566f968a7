"""Conversations as text files, played against the running services: documentation, tests and fuzzing seeds."""
