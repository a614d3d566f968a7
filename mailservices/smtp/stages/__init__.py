"""What an incoming message is asked before it is taken: one module for each stage, listed in smtp/inbound.py."""
