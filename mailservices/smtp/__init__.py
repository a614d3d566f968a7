"""The SMTP server: reception and submission."""
