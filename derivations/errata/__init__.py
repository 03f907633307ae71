"""What the documents print and should not: every mistake as a record, with why it is one and its correction."""
