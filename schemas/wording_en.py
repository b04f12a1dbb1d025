"""The texts in English."""

from types import MappingProxyType

from schemas.wording import Labels

ENGLISH = Labels(
    language="en",
    thousands_separator=",",
    decimal_mark=".",
    percent_sign="%",
    dash=" – ",
    weekdays=("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    months=("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    sheet_columns=("Date", "Attempts", "Successful attempts", "Unique users"),
    runs="Runs",
    submits="Submits",
    success_rate="Success rate",
    complete="Day fully loaded",
    yes="yes",
    no="no",
    text_columns=("Date", "Attempts", "Success", "Users", "Runs", "Submits", "Rate"),
    subject_succeeded="CodeGrader: {period}, attempts: {attempts}",
    subject_failed="CodeGrader: FAILED ({stages}), {period}",
    title="CodeGrader: student attempts",
    status_succeeded="All steps done",
    status_failed="Not everything was done: something failed",
    failures="What failed",
    missing_from_figures="Missing from the figures, starts of windows in UTC",
    and_more="and {count} more",
    skipped="Skipped, because not configured: {stages}.",
    sheet_link="Open the sheet",
    run_link="Open the run in Prefect",
    started_at="Run started {moment}, time zone {time_zone}.",
    total_attempts="Attempts",
    total_successful_attempts="Successful attempts",
    total_success_rate="Success rate of submits",
    users_per_day="Unique users a day, on average",
    figures="Figures by day",
    total="Total",
    no_data="There are no figures for this period.",
    no_data_for_day="no data",
    incomplete_day="incomplete day",
    only_last_days="The last days are shown: {shown} of {days}. The total is that of the whole period.",
    chart="Charts",
    chart_alt=(
        "Charts by day for {period}: attempts and successful attempts, unique users, success rate of submits. "
        "All values are in the table."
    ),
    chart_attempts="Attempts",
    chart_successful_attempts="of these successful",
    chart_unique_users="Unique users",
    chart_success_rate="Success rate of submits",
    counts="Data load",
    asked_for="Span loaded",
    windows="Windows",
    fetched="Records fetched",
    loaded="Loaded into the database",
    new="new",
    changed="changed",
    unchanged="unchanged",
    rejected="Rejected by the checks",
    duplicates="Exact duplicates",
    warnings="Warnings",
    nothing_changed="Nothing new: every record fetched was in the database already.",
    checks="Data checks",
    check_columns=("Check", "Severity", "Records that failed", "Examples"),
    no_checks="There was nothing to check: no window was loaded.",
    all_checks_passed="All checks passed.",
    severities=MappingProxyType({"error": "error", "warning": "warning"}),
    severities_explained=(
        "Error: the record is rejected and counts in no figure. "
        "Warning: the record is loaded and counts, an exact duplicate once."
    ),
    notice_subject="CodeGrader: FAILED, run “{run}”",
    notice="The run “{run}” failed before it could report by itself.\n\nReason: {reason}",
    notice_link="The run's page: {url}",
    notice_advice=(
        "What was loaded before is unharmed. Mend the cause and run the same period again: only what is missing will "
        "be loaded. Days that were missed are loaded by the next daily run."
    ),
    definitions_heading="What the figures mean",
    definitions=(
        "Attempts: all attempts of the day, runs, submits and any others.",
        "Successful attempts: attempts whose verdict is “correct” (is_correct = 1).",
        (
            "Unique users: distinct students with at least one attempt that day. The number cannot be summed over "
            "days, since one student may have worked on several of them."
        ),
        (
            "Success rate: submits whose verdict is “correct” divided by all submits; runs do not count. "
            "The total is taken over all submits of the period."
        ),
        "A day lasts from midnight to midnight in the time zone {time_zone}.",
        "An incomplete day is marked with an asterisk (*): its data is loaded only in part, and its figures will grow.",
    ),
    stages=MappingProxyType(
        {
            "extract": "extract",
            "load": "load",
            "checks": "data checks",
            "metrics": "metrics",
            "sheet": "sheet",
            "report": "report",
            "mail": "mail",
        }
    ),
    # The checks' own names are English already.
    check_names=MappingProxyType({}),
)
