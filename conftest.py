"""The door: the plugin, for a checkout that is not installed too, and pytest's own tool for testing plugins."""

from hypothesis import settings

pytest_plugins = ["gradproof.plugin", "pytester"]

# The same examples in every run: what a run says is about the change, not about luck or the machine's load.
settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")
