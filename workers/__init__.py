"""Celery's hands: they send what leaves, write delivery reports, and keep the store tidy."""
