"""What is done with mail from the world: the schema of the policy_* tables, their verbs, pages and API."""
