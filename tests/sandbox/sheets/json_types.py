"""The names that this package gives to JSON, which no type can describe more closely than its schema does."""

from typing import Any, TypeAlias

Json: TypeAlias = Any
JsonObject: TypeAlias = dict[str, Any]
