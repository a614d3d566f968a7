"""What each IMAP command does: one module for each group of commands, one coroutine for each command."""
