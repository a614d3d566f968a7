"""What other hosts report to us, and what we report to them."""
