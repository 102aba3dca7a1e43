"""What an object keeps alive, counted."""

import gc
import types


def held_objects(root: object) -> int:
    """Count the objects that one object keeps alive, classes and functions aside."""
    seen, waiting = {id(root)}, [root]
    while waiting:
        for item in gc.get_referents(waiting.pop()):
            if id(item) in seen or isinstance(item, type | types.FunctionType | types.ModuleType):
                continue
            seen.add(id(item))
            waiting.append(item)
    return len(seen)
