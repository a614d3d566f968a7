"""What clients ask for, in groups: a frozen dataclass for each command, and how it is read."""
