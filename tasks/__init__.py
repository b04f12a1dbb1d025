"""The steps and what they stand on: one file a step, pure functions first, the Prefect task that wraps them last.

Transform, check and load of a window are one Prefect task, in `flows/running/loading.py`: each takes milliseconds. No
steps are `grader_api.py`, `database.py`, `prefect_database.py`, `errors.py`, `retries.py` and `redaction.py`.
"""
