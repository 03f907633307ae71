"""How the process for somebody's file begins; run by its path, for to import all of gradproof takes too long."""

import json
import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any


def put_off(name: str, folder: Path) -> None:
    """Have the modules of a package imported without its ``__init__``, which runs when something of it is asked for."""
    spec = spec_from_file_location(name, folder / "__init__.py", submodule_search_locations=[str(folder)])
    assert spec is not None
    loader = spec.loader
    assert loader is not None
    package = module_from_spec(spec)
    sys.modules[name] = package

    def missing(attribute: str) -> Any:
        vars(package).pop("__getattr__")
        loader.exec_module(package)
        return getattr(package, attribute)

    vars(package)["__getattr__"] = missing


def main() -> None:
    """Arguments: the channel, where modules are looked for, and the limits, the last two in JSON."""
    channel, path, limits = sys.argv[1:]
    sys.path[:] = json.loads(path)
    here = Path(__file__).resolve().parent
    put_off("gradproof", here.parent)
    put_off("gradproof.isolation", here)
    import_module("gradproof.isolation.child").main(channel, json.loads(limits))


if __name__ == "__main__":
    main()
