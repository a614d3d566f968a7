"""What is on its way out."""
