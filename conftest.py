"""The door: the plugin, for a checkout that is not installed too, and pytest's own tool for testing plugins."""

pytest_plugins = ["gradproof.plugin", "pytester"]
