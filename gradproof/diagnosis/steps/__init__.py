"""Which steps of a recurrence a wrong gradient goes wrong at."""
