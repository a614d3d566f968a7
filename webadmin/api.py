"""REST root."""
