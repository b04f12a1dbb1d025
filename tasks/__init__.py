"""The steps: one file a step, pure functions first, the Prefect task that wraps them last."""
