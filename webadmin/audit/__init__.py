"""Who changed what, from where."""
