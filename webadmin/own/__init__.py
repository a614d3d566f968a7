"""What the owner of an account does by herself: pages, verbs, and what is done with her mail."""
