"""Check: decides which attempts are loaded and which records are rejected, and says why. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from schemas.attempt import Attempt, Checked, Rejected
from schemas.period import Window
from schemas.record import Record, record_identity, to_json
from schemas.summary import CheckResult, Severity

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pa

    Failures = dict[str, "pd.Series[bool]"]

SAMPLES = 3
"""How many failing rows a check shows."""


def check(records: Sequence[Record], attempts: Sequence[Attempt], window: Window, now: datetime) -> Checked:
    """Checks one window's attempts, lazily: every check sees every row.

    Args:
        records: the records as they came, to be kept where they are rejected.
        attempts: the same records transformed, one for each, in the same order.
        window: what was asked for.
        now: the present, aware; nothing can have happened later.
    """
    from schemas.checks import DUPLICATE_ROWS, SHAPE, UNIQUE_ID, USUAL_ATTEMPTS, attempts_schema

    order = _order(records, attempts)
    rows = _to_frame([attempts[position] for position in order])
    errors = _failures(attempts_schema(window, now), rows)
    warnings = {str(rule.name): errors.pop(str(rule.name)) for rule in USUAL_ATTEMPTS}
    copies = errors.pop(DUPLICATE_ROWS)
    # An exact copy has its original's id too; it is a copy, not a conflict.
    errors[UNIQUE_ID] &= ~copies
    bad = _any(errors, rows)
    good = ~bad & ~copies
    warnings = {name: failing & good for name, failing in warnings.items()}

    rejected = _reject(errors, [(place, records[order[place]], attempts[order[place]]) for place in rows.index[bad]])
    duplicates = int((copies & ~bad).sum()) + int(bad.sum()) - len(rejected)
    accepted = tuple(attempts[order[place]] for place in rows.index[good])
    assert len(records) == len(accepted) + len(rejected) + duplicates, "a record was lost or counted twice"
    return Checked(
        accepted,
        rejected,
        duplicates,
        warnings=sum(int(failing.sum()) for failing in warnings.values()),
        results=(
            CheckResult(SHAPE, "error", 0),
            CheckResult(DUPLICATE_ROWS, "warning", duplicates, _sample(rows[copies])),
            *_describe(errors, rows, "error"),
            *_describe(warnings, rows, "warning"),
        ),
    )


def add_results(one: Sequence[CheckResult], other: Sequence[CheckResult]) -> tuple[CheckResult, ...]:
    """Adds up the outcomes of two windows, check by check."""
    earlier = {result.check: result for result in one}
    return tuple(
        CheckResult(
            result.check,
            result.severity,
            result.rows + (before.rows if (before := earlier.get(result.check)) else 0),
            (before.sample if before else "") or result.sample,
        )
        for result in other
    )


def format_results(results: Iterable[CheckResult]) -> str:
    """The outcome as a table of plain text: check, severity, rows, sample."""
    lines = [("check", "severity", "rows", "sample")]
    lines += [(result.check, result.severity, f"{result.rows:,}", result.sample or "-") for result in results]
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    return "\n".join(
        f"{name:<{widths[0]}}  {severity:<{widths[1]}}  {rows:>{widths[2]}}  {sample}"
        for name, severity, rows, sample in lines
    )


def _order(records: Sequence[Record], attempts: Sequence[Attempt]) -> list[int]:
    """The places of the attempts by id; of several with one id the best verdict comes first, whatever came first."""
    ids = [attempt.id or "" for attempt in attempts]
    order = sorted(range(len(attempts)), key=ids.__getitem__)
    # Hardly any id is there twice, so the costly rest is hardly ever needed.
    if len(set(ids)) == len(ids):
        return order
    verdicts: dict[int | str | None, int] = {1: 0, 0: 1, None: 2}
    claims = Counter(ids)

    def precedence(place: int) -> tuple[str, tuple[int, str, str] | tuple[()]]:
        if claims[ids[place]] == 1:
            return ids[place], ()
        attempt = attempts[place]
        return ids[place], (verdicts.get(attempt.is_correct, 3), repr(attempt), to_json(records[place]))

    return sorted(order, key=precedence)


def _to_frame(attempts: Sequence[Attempt]) -> "pd.DataFrame":
    """One row an attempt, dtype object so that nothing is guessed or converted, but for the time."""
    import pandas as pd

    columns = zip(*attempts, strict=True) if attempts else ([] for _ in Attempt._fields)
    frame = pd.DataFrame(
        {name: pd.Series(column, dtype=object) for name, column in zip(Attempt._fields, columns, strict=True)}
    )
    frame["created_at"] = pd.to_datetime(frame["created_at"], utc=True)
    return frame


def _failures(schema: "pa.DataFrameSchema", rows: "pd.DataFrame") -> "Failures":
    """Validates and says for each check which rows failed it.

    Raises:
        AssertionError: the frame has not the agreed columns (the check `shape`): a fault of ours, not of the data.
    """
    import pandas as pd
    from pandera.errors import SchemaErrors

    failures = {check.name: pd.Series(data=False, index=rows.index) for check in schema.checks}
    try:
        schema.validate(rows, lazy=True)
    except SchemaErrors as errors:
        # pandera's own message lists every failure with its values, students' ids among them: it goes no further.
        for error in errors.schema_errors:
            name = getattr(error.check, "name", None)
            assert name in failures, f"the frame to be checked is not as agreed: {error.reason_code}"
            failures[name] = ~error.check_output
    return failures


def _any(failures: Mapping[str, "pd.Series[bool]"], rows: "pd.DataFrame") -> "pd.Series[bool]":
    import pandas as pd

    failed = pd.Series(data=False, index=rows.index)
    for failing in failures.values():
        failed |= failing
    return failed


def _reject(errors: "Failures", bad: Iterable[tuple[int, Record, Attempt]]) -> tuple[Rejected, ...]:
    """Keeps each bad record once, with the names of the checks that it failed."""
    rejected: dict[str, Rejected] = {}
    for place, record, attempt in bad:
        text = to_json(record)
        reasons = tuple(name for name, failing in errors.items() if failing[place])
        identity = record_identity(text)
        rejected.setdefault(identity, Rejected(identity, attempt.id, reasons, text))
    return tuple(rejected[identity] for identity in sorted(rejected))


def _describe(failures: "Failures", rows: "pd.DataFrame", severity: Severity) -> Iterable[CheckResult]:
    for name, failing in failures.items():
        yield CheckResult(name, severity, int(failing.sum()), _sample(rows[failing]) if failing.any() else "")


def _sample(rows: "pd.DataFrame") -> str:
    shown = zip(rows["user_id"], rows["created_at"], rows["attempt_type"], rows["is_correct"], strict=True)
    return "; ".join(
        f"{mask(user)} {moment:%Y-%m-%d %H:%M:%S} {_short(kind)} {_short(verdict)}"
        if moment == moment  # noqa: PLR0124 (NaT differs from itself)
        else f"{mask(user)} no time {_short(kind)} {_short(verdict)}"
        for user, moment, kind, verdict in list(shown)[:SAMPLES]
    )


def mask(user_id: str | None) -> str:
    """A student's id, for a log or a report: enough to find it again, too little to name anybody."""
    return f"{ascii(user_id[: min(4, len(user_id) // 2)])[1:-1]}…" if user_id else "(no user)"


def _short(value: object) -> str:
    return "null" if value is None else ascii(value)[:20] if isinstance(value, str) else str(value)
