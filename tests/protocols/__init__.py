"""Sans-IO tests: no database, no socket."""
