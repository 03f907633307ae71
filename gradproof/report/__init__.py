"""What people and machines read: the results of a run as records, as a table in the terminal, as JSON Lines."""
