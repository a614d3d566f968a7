"""Mail to other hosts: claim, route, send, settle."""
