"""Where people change settings: the dashboard, the REST API and the schema of everything."""
