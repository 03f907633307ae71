"""Grading a submission: points for each formula of an assignment, with partial credit, for Gradescope and as JUnit XML.

What a parameter gets is decided by ``verify`` alone: nothing here compares numbers.
"""
