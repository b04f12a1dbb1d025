"""The earlier script's way, written plainly: what dozens of people have written.

One request for the whole range, `ast.literal_eval` for each row, a data frame, an upsert by `execute_values`, and the
figures by pandas. It makes its own table, with the earlier script's columns and an identity to upsert on.
"""

import ast
import hashlib
import json
import sys
from typing import Any, Final

import pandas as pd
import psycopg2
import requests
from psycopg2.extras import execute_values

COLUMNS: Final = (
    "id", "user_id", "oauth_consumer_key", "lis_result_sourcedid", "lis_outcome_service_url", "is_correct",
    "attempt_type", "created_at",
)  # fmt: skip
CREATE: Final = """
    CREATE TABLE IF NOT EXISTS script_attempts (
        id TEXT PRIMARY KEY, user_id TEXT, oauth_consumer_key TEXT, lis_result_sourcedid TEXT,
        lis_outcome_service_url TEXT, is_correct REAL, attempt_type TEXT, created_at TIMESTAMP
    )
"""
UPSERT: Final = f"""
    INSERT INTO script_attempts ({", ".join(COLUMNS)}) VALUES %s
    ON CONFLICT (id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in COLUMNS[1:])}
"""


def fetch(url: str, client: str, key: str, start: str, end: str) -> list[Any]:
    """Asks for the whole range at once."""
    parameters = {"client": client, "client_key": key, "start": start, "end": end}
    answer = requests.get(url, params=parameters, timeout=3_600)
    answer.raise_for_status()
    records: list[Any] = answer.json()
    return records


def to_rows(records: list[Any]) -> list[dict[str, Any]]:
    """A dictionary for each record, with its LTI parameters read anew for each."""
    rows = []
    for record in records:
        parameters = ast.literal_eval(record["passback_params"])
        sourced_id = parameters.get("lis_result_sourcedid")
        name = f"{record['lti_user_id']} {record['created_at']} {record['attempt_type']} {sourced_id}"
        rows.append(
            {
                "id": hashlib.sha256(name.encode()).hexdigest(),
                "user_id": record["lti_user_id"],
                "oauth_consumer_key": parameters.get("oauth_consumer_key"),
                "lis_result_sourcedid": sourced_id,
                "lis_outcome_service_url": parameters.get("lis_outcome_service_url"),
                "is_correct": record["is_correct"],
                "attempt_type": record["attempt_type"],
                "created_at": record["created_at"],
            }
        )
    return rows


def check(frame: pd.DataFrame) -> dict[str, bool]:
    """The six checks, each over the whole frame."""
    return {
        "shape": frame.shape[1] == len(COLUMNS),
        "duplicate rows": not frame.duplicated().any(),
        "unique id": frame["id"].is_unique,
        "allowed attempt types": bool(frame["attempt_type"].isin(["run", "submit", "test", "check"]).all()),
        "allowed verdicts": bool(frame["is_correct"].isin([0, 1, None]).all()),
        "no date in the future": bool((frame["created_at"] <= pd.Timestamp.now()).all()),
    }


def process(connection: Any, records: list[Any]) -> pd.DataFrame:
    """Takes one answer to the database, and computes the figures of its days."""
    frame = pd.DataFrame(to_rows(records), columns=list(COLUMNS))
    frame["created_at"] = pd.to_datetime(frame["created_at"])
    check(frame)
    frame = frame.drop_duplicates("id")
    rows = frame.astype(object).where(frame.notna(), None).to_numpy().tolist()
    with connection, connection.cursor() as cursor:
        cursor.execute(CREATE)
        execute_values(cursor, UPSERT, rows)
    return figures(frame)


def figures(frame: pd.DataFrame) -> pd.DataFrame:
    """Attempts, successful attempts and distinct users of each day."""
    by_day = frame.groupby(frame["created_at"].dt.date)
    return pd.DataFrame(
        {
            "attempts": by_day.size(),
            "successful_attempts": by_day["is_correct"].sum(),
            "unique_users": by_day["user_id"].nunique(),
        }
    )


def main() -> None:
    """Takes a range to the database; what and where to is the only argument, as JSON."""
    wanted = json.loads(sys.argv[1])
    connection = psycopg2.connect(host=wanted.pop("host"), user="postgres")
    print(process(connection, fetch(**wanted)))
    connection.close()


if __name__ == "__main__":
    main()
