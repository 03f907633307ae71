"""What people and machines read: the results of a run as records, in the terminal, as JSON Lines and as a page."""
