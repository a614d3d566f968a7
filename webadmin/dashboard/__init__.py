"""The pages. Reading is the ORM's; every change calls a verb of directory/actions.py, as the API does."""
