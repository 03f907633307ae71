"""What the gradient is: each claim of the documents in SymPy, with its source, its domain and its proof."""
