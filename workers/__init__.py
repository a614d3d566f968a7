"""Celery: mail goes out, reports come back, the house is swept."""
