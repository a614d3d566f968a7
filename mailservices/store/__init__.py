"""Every SQL statement of the engine, beside the function that runs it. The only room with a database driver."""
