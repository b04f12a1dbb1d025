"""The flows' parameters as the dashboard's form shows them and as the server checks them when a run is submitted.

The server checks a JSON schema, not Python types: what it refuses is refused at submit, the rest in the run's first
second, in `tasks.plan` and the flow itself.
"""

from datetime import date
from typing import Annotated, Final

from pydantic import WithJsonSchema

MOMENT: Final = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?)?$"

FirstDay = Annotated[
    date | str | None,
    WithJsonSchema({"title": "First day", "type": "string", "format": "date", "pattern": MOMENT}),
]
LastDay = Annotated[
    date | str | None,
    WithJsonSchema({"title": "Last day", "type": "string", "format": "date", "pattern": MOMENT}),
]
Refresh = Annotated[bool, WithJsonSchema({"title": "Ask the API again", "type": "boolean"})]
Publish = Annotated[bool, WithJsonSchema({"title": "Publish", "type": "boolean"})]
LookbackDays = Annotated[
    int, WithJsonSchema({"title": "Lookback, in days", "type": "integer", "minimum": 0, "maximum": 90})
]
HealDays = Annotated[
    int, WithJsonSchema({"title": "Heal gaps, in days", "type": "integer", "minimum": 0, "maximum": 365})
]
WindowHours = Annotated[
    int, WithJsonSchema({"title": "Window, in hours", "type": "integer", "minimum": 1, "maximum": 24})
]
Share = Annotated[
    float, WithJsonSchema({"title": "Largest share of rejected records", "type": "number", "minimum": 0, "maximum": 1})
]
ChunkMonths = Annotated[int, WithJsonSchema({"title": "Months a run", "type": "integer", "minimum": 1, "maximum": 12})]
MaxParallel = Annotated[int, WithJsonSchema({"title": "Runs at once", "type": "integer", "minimum": 1, "maximum": 50})]
