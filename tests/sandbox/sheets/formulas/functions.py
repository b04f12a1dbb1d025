"""The functions that formulas may call here; any other is `#NAME?`, as an unknown one is in the service."""

import math
from collections.abc import Callable, Sequence
from datetime import date
from typing import TypeAlias

from tests.sandbox.sheets.book.cells import CellError, Computed
from tests.sandbox.sheets.notation.dates import date_serial
from tests.sandbox.sheets.notation.locales import AMERICAN
from tests.sandbox.sheets.notation.number_format import format_number

# An argument: one value, or the values of the cells of a range.
Argument: TypeAlias = Computed | Sequence[Computed]


class ValueProblemError(Exception):
    """A value that an operation cannot work with.

    Attributes:
        error: what the cell shows.
    """

    def __init__(self, error: CellError) -> None:
        super().__init__(error.text)
        self.error = error


DIVISION = CellError("#DIV/0!", "Function DIVIDE parameter 2 cannot be zero.")


def number_of(value: Argument) -> float:
    """Give a value as a number: nothing is 0, TRUE is 1, and a text counts if a number is written in it.

    Args:
        value: the value.

    Raises:
        ValueProblemError: it is no number.
    """
    if isinstance(value, CellError):
        raise ValueProblemError(value)
    if value is None:
        return 0.0
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        message = f"Function ADD parameter 1 expects number values. But '{value}' is a text and cannot be coerced."
        raise ValueProblemError(CellError("#VALUE!", message)) from None


def text_of(value: Argument) -> str:
    """Give a value as a text.

    Args:
        value: the value.

    Raises:
        ValueProblemError: it is an error.
    """
    if isinstance(value, CellError):
        raise ValueProblemError(value)
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return format_number(value, None, AMERICAN)
    return str(value or "")


def call_function(name: str, arguments: Sequence[Argument]) -> Computed:
    """Work out a function or a sign.

    Args:
        name: the function's name in capitals, or the sign.
        arguments: its arguments, worked out.

    Raises:
        ValueProblemError: the arguments do not fit; the error says what the cell shows.
    """
    function = FUNCTIONS.get(name)
    if function is None:
        raise ValueProblemError(CellError("#NAME?", f"Unknown function: '{name}'."))
    try:
        return function(*arguments)
    except ZeroDivisionError:
        raise ValueProblemError(DIVISION) from None
    except OverflowError:
        raise ValueProblemError(CellError("#NUM!", "The result is too large.")) from None
    except TypeError:
        raise ValueProblemError(CellError("#N/A", f"Wrong number of arguments to {name}.")) from None


def _flat(arguments: Sequence[Argument]) -> list[Computed]:
    values: list[Computed] = []
    for argument in arguments:
        if isinstance(argument, list | tuple):
            values += argument
        else:
            values.append(argument)  # type: ignore[arg-type]
    errors = [value for value in values if isinstance(value, CellError)]
    if errors:
        raise ValueProblemError(errors[0])
    return values


def _numbers(arguments: Sequence[Argument]) -> list[float]:
    return [value for value in _flat(arguments) if isinstance(value, float) and not isinstance(value, bool)]


def _compare(test: Callable[[float], bool]) -> Callable[[Argument, Argument], bool]:
    def compared(left: Argument, right: Argument) -> bool:
        if isinstance(left, str) and isinstance(right, str):
            return test((left.lower() > right.lower()) - (left.lower() < right.lower()))
        if isinstance(left, str) or isinstance(right, str):
            return test(1 if isinstance(left, str) else -1)
        return test(number_of(left) - number_of(right))

    return compared


def _power(base: Argument, exponent: Argument) -> float:
    result = number_of(base) ** number_of(exponent)
    if isinstance(result, complex):
        raise ValueProblemError(CellError("#NUM!", "The result is not a real number."))
    return float(result)


def _round(number: Argument, places: Argument = 0.0) -> float:
    factor = 10 ** int(number_of(places))
    return math.copysign(math.floor(abs(number_of(number)) * factor + 0.5) / factor, number_of(number))


def _date(year: Argument, month: Argument, day: Argument) -> float:
    months = int(number_of(year)) * 12 + int(number_of(month)) - 1
    first = date(months // 12, months % 12 + 1, 1)
    return date_serial(first) + int(number_of(day)) - 1


FUNCTIONS: dict[str, Callable[..., Computed]] = {
    "+": lambda left, right: number_of(left) + number_of(right),
    "-": lambda left, right: number_of(left) - number_of(right),
    "*": lambda left, right: number_of(left) * number_of(right),
    "/": lambda left, right: number_of(left) / number_of(right),
    "^": _power,
    "&": lambda left, right: text_of(left) + text_of(right),
    "+_": lambda value: value,
    "-_": lambda value: -number_of(value),
    "_%": lambda value: number_of(value) / 100,
    "=": _compare(lambda order: order == 0),
    "<>": _compare(lambda order: order != 0),
    "<": _compare(lambda order: order < 0),
    ">": _compare(lambda order: order > 0),
    "<=": _compare(lambda order: order <= 0),
    ">=": _compare(lambda order: order >= 0),
    "SUM": lambda *values: sum(_numbers(values), 0.0),
    "AVERAGE": lambda *values: sum(_numbers(values)) / len(_numbers(values)),
    "COUNT": lambda *values: float(len(_numbers(values))),
    "COUNTA": lambda *values: float(sum(value is not None for value in _flat(values))),
    "MIN": lambda *values: min(_numbers(values), default=0.0),
    "MAX": lambda *values: max(_numbers(values), default=0.0),
    "ABS": lambda value: abs(number_of(value)),
    "ROUND": _round,
    "AND": lambda *values: all(number_of(value) for value in _flat(values)),
    "OR": lambda *values: any(number_of(value) for value in _flat(values)),
    "NOT": lambda value: not number_of(value),
    "IF": lambda test, then, otherwise=False: then if number_of(test) else otherwise,
    "CONCATENATE": lambda *values: "".join(text_of(value) for value in _flat(values)),
    "LEN": lambda value: float(len(text_of(value))),
    "UPPER": lambda value: text_of(value).upper(),
    "LOWER": lambda value: text_of(value).lower(),
    "HYPERLINK": lambda link, label=None: text_of(link) if label is None else label,
    "DATE": _date,
}
