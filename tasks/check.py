"""Check: decides which attempts are loaded and which records are rejected, and says why. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from schemas import checks
from schemas.attempt import Checked, Rejected
from schemas.period import Window
from schemas.record import Record, identity_of, to_json
from schemas.summary import CheckResult, Severity

Marks = npt.NDArray[np.bool_]

SAMPLES = 3
"""How many failing rows a check shows."""


def check(records: Sequence[Record], attempts: pd.DataFrame, window: Window, now: datetime) -> Checked:
    """Checks one window's attempts, lazily: every check sees every row.

    Args:
        records: the records as they came, to be kept where they are rejected.
        attempts: the same records transformed, a row for each, in the same order.
        window: what was asked for.
        now: the present, aware; nothing can have happened later.
    """
    order = _order(records, attempts)
    rows = attempts.iloc[order].reset_index(drop=True)
    errors = _failures(checks.attempts_schema(window, now), rows)
    warnings = {str(rule.name): errors.pop(str(rule.name)) for rule in checks.WARNING_CHECKS}
    copies = errors.pop(checks.DUPLICATE_ROWS)
    # An exact copy has its original's id too; it is a copy, not a conflict.
    errors[checks.UNIQUE_ID] &= ~copies
    bad: Marks = np.any([*errors.values()], axis=0)
    good = ~bad & ~copies
    warnings = {name: failing & good for name, failing in warnings.items()}

    rejected = _reject(errors, rows, bad, [records[place] for place in order])
    duplicates = int((copies & ~bad).sum()) + int(bad.sum()) - len(rejected)
    accepted = rows[good]
    is_much = len(records) >= checks.ENOUGH_RECORDS and duplicates > checks.USUAL_DUPLICATES_SHARE * len(records)
    assert len(records) == len(accepted) + len(rejected) + duplicates, "a record was lost or counted twice"
    return Checked(
        accepted,
        rejected,
        duplicates,
        warnings=sum(int(failing.sum()) for failing in warnings.values()),
        results=(
            CheckResult(checks.SHAPE, "error", 0),
            CheckResult(checks.DUPLICATE_ROWS, "warning", duplicates, _sample(rows, copies)),
            CheckResult(checks.FEW_DUPLICATES, "warning", duplicates if is_much else 0),
            *_describe(errors, rows, "error"),
            *_describe(warnings, rows, "warning"),
        ),
    )


def add_results(one: Sequence[CheckResult], other: Sequence[CheckResult]) -> tuple[CheckResult, ...]:
    """Adds up the outcomes of two windows, check by check."""
    total = {result.check: result for result in one}
    for result in other:
        before = total.get(result.check, CheckResult(result.check, result.severity, 0))
        total[result.check] = replace(before, rows=before.rows + result.rows, sample=before.sample or result.sample)
    return tuple(total.values())


def _order(records: Sequence[Record], attempts: pd.DataFrame) -> list[int]:
    """The places of the attempts by id; of several with one id the best verdict comes first, whatever came first."""
    ids = [identity or "" for identity in attempts["id"]]
    order = sorted(range(len(ids)), key=ids.__getitem__)
    # Hardly any id is there twice, so the costly rest is hardly ever needed.
    if len(set(ids)) == len(ids):
        return order
    verdicts: dict[int | str | None, int] = {1: 0, 0: 1, None: 2}
    claims = Counter(ids)

    def precedence(place: int) -> tuple[str, tuple[int, str, str] | tuple[()]]:
        if claims[ids[place]] == 1:
            return ids[place], ()
        attempt = attempts.iloc[place]
        verdict = verdicts.get(attempt["is_correct"], 3)
        return ids[place], (verdict, repr(attempt.tolist()), to_json(records[place]))

    return sorted(order, key=precedence)


def _failures(schema: pa.DataFrameSchema, rows: pd.DataFrame) -> dict[str, Marks]:
    """Validates and says for each check which rows failed it; columns not as agreed (`shape`) are our own fault."""
    failures = {
        str(check.name): np.zeros(len(rows), dtype=bool) for check in schema.checks if check.name != checks.SHAPE
    }
    try:
        schema.validate(rows, lazy=True)
    except SchemaErrors as errors:
        # pandera's own message lists every failure with its values, students' ids among them: it goes no further.
        for error in errors.schema_errors:
            name = getattr(error.check, "name", None)
            assert name in failures, f"the frame to be checked is not as agreed: {error.reason_code}"
            failures[name] = ~np.asarray(error.check_output, dtype=bool)
    return failures


def _reject(
    errors: Mapping[str, Marks], rows: pd.DataFrame, bad: Marks, records: Sequence[Record]
) -> tuple[Rejected, ...]:
    """Keeps each bad record once, with the names of the checks that it failed."""
    rejected: dict[str, Rejected] = {}
    for place in bad.nonzero()[0].tolist():
        text = to_json(records[place])
        reasons = tuple(name for name, failing in errors.items() if failing[place])
        identity = identity_of(text)
        rejected.setdefault(identity, Rejected(identity, rows["id"][place], reasons, text))
    return tuple(rejected[identity] for identity in sorted(rejected))


def _describe(failures: Mapping[str, Marks], rows: pd.DataFrame, severity: Severity) -> Iterable[CheckResult]:
    for name, failing in failures.items():
        yield CheckResult(name, severity, int(failing.sum()), _sample(rows, failing))


def _sample(rows: pd.DataFrame, failing: Marks) -> str:
    """A few rows: who and when, and no text of theirs, which might be an id."""
    places = failing.nonzero()[0][:SAMPLES]
    moments = ((rows["user_id"][place], rows["created_at"][place]) for place in places)
    return "; ".join(
        f"{mask(user)} {'no time' if moment is pd.NaT else f'{moment:%Y-%m-%d %H:%M:%S}'}" for user, moment in moments
    )


def mask(user_id: str | None) -> str:
    """A student's id, for a log or a report: enough to find it again, too little to name anybody."""
    return f"{ascii(user_id[: min(4, len(user_id) // 2)])[1:-1]}…" if user_id else "(no user)"
