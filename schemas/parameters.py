"""The flows' parameters: as the dashboard's form and the command line show them, and the limits that both check.

The server checks a JSON schema, not Python types, when a run is submitted: what it refuses is refused at submit, the
rest in the run's first second. The help is in the flows' docstrings.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from inspect import signature
from typing import Annotated, Any, Final, get_args

from pydantic import WithJsonSchema

MOMENT: Final = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?)?$"
# Of a plain pattern, the server would say no more than that the value does not match it. So it names two that would do.
_DAY_OR_MOMENT: Final = {
    "type": "string",
    "format": "date",
    "if": {"pattern": MOMENT},
    "else": {"enum": ["a day such as 2023-04-01", "a moment such as 2023-04-01T06:00"]},
}

DayOrMoment = Annotated[date | str | None, WithJsonSchema(_DAY_OR_MOMENT)]
LookbackDays = Annotated[int, WithJsonSchema({"type": "integer", "minimum": 0, "maximum": 90})]
HEAL_DAYS: Final = 30
"""The daily run loads gaps of so many days by default."""
HealDays = Annotated[int, WithJsonSchema({"type": "integer", "minimum": 0, "maximum": 365})]
WindowHours = Annotated[int, WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 24})]
Share = Annotated[float, WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1})]
ChunkMonths = Annotated[int, WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 12})]
MaxParallel = Annotated[int, WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 50})]


def find_beyond_limits(function: Callable[..., Any], given: Mapping[str, Any]) -> Iterator[str]:
    """Of each value beyond the limits that a function's parameters declare: what was given and what to choose."""
    for name, parameter in signature(function, eval_str=True).parameters.items():
        for schema in (
            note.json_schema or {} for note in get_args(parameter.annotation) if isinstance(note, WithJsonSchema)
        ):
            low, high = schema.get("minimum"), schema.get("maximum")
            if name in given and low is not None and not low <= given[name] <= high:
                yield f"{name} is {given[name]}: choose {low} to {high}"
