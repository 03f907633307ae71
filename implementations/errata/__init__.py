"""The printed forms of the documents' mistakes as code that runs, each beside its correction."""
