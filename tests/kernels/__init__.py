"""The kernels are verified here, at the documents' own formulas and as a family; ``tests/benchmarks`` times them."""
