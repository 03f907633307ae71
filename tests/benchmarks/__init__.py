"""What is timed, and against what: kernels against other ways to compute the same, the check against other checks.

``shapes`` has the documents' networks, ``contestants`` the programs, ``bench_*`` the timings: ``tox run -e bench``.
Each timing is a ratio of two programs, timed in turns in one run (``pairs``), and is published only with the kernel's
verdict (``gate``). ``python -m tests.benchmarks.table FILE.json`` makes tables and records of what a run has saved.
"""
