"""The door: the plugin for a checkout that is not installed, and nothing else."""

import importlib.metadata

installed = {point.name for point in importlib.metadata.entry_points(group="pytest11")}
pytest_plugins = ["pytester"] if "gradproof" in installed else ["pytester", "gradproof.plugin"]
