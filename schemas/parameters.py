"""The flows' parameters as the dashboard's form shows them and as the server checks them when a run is submitted.

The server checks a JSON schema, not Python types: what it refuses is refused at submit, the rest in the run's first
second, in `tasks.plan` and the flow itself. The form's labels are the parameters' names, whatever a schema says; its
help is in the flows' docstrings.
"""

from datetime import date
from typing import Annotated, Final

from pydantic import WithJsonSchema

MOMENT: Final = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?)?$"

DayOrMoment = Annotated[date | str | None, WithJsonSchema({"type": "string", "format": "date", "pattern": MOMENT})]
LookbackDays = Annotated[int, WithJsonSchema({"type": "integer", "minimum": 0, "maximum": 90})]
HealDays = Annotated[int, WithJsonSchema({"type": "integer", "minimum": 0, "maximum": 365})]
WindowHours = Annotated[int, WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 24})]
Share = Annotated[float, WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1})]
ChunkMonths = Annotated[int, WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 12})]
MaxParallel = Annotated[int, WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 50})]
