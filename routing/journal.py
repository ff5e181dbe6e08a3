"""The engine's values as plain JSON and back, so that what it was told can be kept and told again."""

import dataclasses
from collections.abc import Iterable, Mapping
from enum import Enum
from hashlib import blake2b
from typing import Any

from routing import events, model
from routing.events import Effect

KINDS: dict[str, type] = {
    name: kind
    for module in (model, events)
    for name, kind in vars(module).items()
    if isinstance(kind, type) and (dataclasses.is_dataclass(kind) or hasattr(kind, "_fields"))
}


class Unreadable(ValueError):
    """The JSON is not what `plain` writes."""


def plain(value: Any) -> Any:
    """Frozen values, tuples and mappings as lists, numbers and strings that JSON keeps exactly."""
    if isinstance(value, Enum):
        return {"!": "State", "=": [value.value]}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [getattr(value, field.name) for field in dataclasses.fields(value)]
        return {"!": type(value).__name__, "=": [plain(one) for one in fields]}
    if hasattr(value, "_fields"):
        return {"!": type(value).__name__, "=": [plain(one) for one in value]}
    if isinstance(value, Mapping):
        return {"!": "map", "=": [[plain(key), plain(one)] for key, one in sorted(value.items())]}
    return [plain(one) for one in value] if isinstance(value, tuple | list) else value


def told(data: Any) -> Any:
    """The inverse of `plain`; lists become tuples. Raises Unreadable for anything else."""
    if isinstance(data, list):
        return tuple(told(one) for one in data)
    if not isinstance(data, dict):
        return data
    try:
        name, fields = data["!"], data["="]
        if name == "map":
            return {told(key): told(one) for key, one in fields}
        return model.State(fields[0]) if name == "State" else KINDS[name](*(told(one) for one in fields))
    except (KeyError, TypeError, ValueError) as error:
        raise Unreadable(f"Not an entry of the journal: {error}") from error


def digest(effects: Iterable[Effect]) -> str:
    """Equal for equal effects, on every run and platform."""
    return blake2b(repr(list(effects)).encode(), digest_size=12).hexdigest()
