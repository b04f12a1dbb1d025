"""The documentation is true: what it names exists, and the output it shows is what a run says."""

import ast
import pkgutil
import re
from collections.abc import Iterator
from contextlib import redirect_stdout, suppress
from datetime import UTC, datetime, timedelta
from io import StringIO
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.__main__ import COMMANDS
from flows.installing.environment import Environment
from schemas.period import Window
from schemas.tables import daily_metrics
from tests.sandbox.grader import SyntheticRecords

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = {str(page.relative_to(ROOT)): page.read_text("utf-8") for page in [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]}
EVERY_PAGE = pytest.mark.parametrize("name", sorted(PAGES))
STAND_INS = {"tests.sandbox": "--up", "tests.sandbox.grader": "--port", "tests.benchmarks": "--full"}
"""Programs of the tests that pages name with an option; in `__main__`, each."""
BLOCK = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks_of(name: str) -> str:
    return "\n".join(BLOCK.findall(PAGES[name]))


def code_of(name: str) -> str:
    """A page's blocks of code, and what stands between backticks in its text."""
    return "\n".join([blocks_of(name), *re.findall(r"`([^`\n]+)`", BLOCK.sub("", PAGES[name]))])


def rows_of(name: str, header: str) -> list[list[str]]:
    """The cells of the table whose first column has that header, without backticks."""
    (table,) = re.findall(rf"^\| {header} \|.*\n\|[-:| ]+\n((?:\|.*\n)+)", PAGES[name], re.MULTILINE)
    return [[cell.strip(" `") for cell in row.strip("|").split(" | ")] for row in table.splitlines()]


def links_of(name: str) -> Iterator[tuple[Path, str]]:
    """The files that a page links to, with the anchors in them."""
    for link in re.findall(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"", BLOCK.sub("", PAGES[name])):
        if not "".join(link).startswith("https://"):
            file, _, anchor = "".join(link).partition("#")
            yield ((ROOT / name).parent / file if file else ROOT / name).resolve(), anchor


@EVERY_PAGE
def test_every_link_leads_somewhere(name: str) -> None:
    for target, anchor in links_of(name):
        assert target.exists(), target
        headings = re.findall(r"^#+ (.+)$", BLOCK.sub("", target.read_text("utf-8")), re.MULTILINE) if anchor else []
        assert not anchor or anchor in {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in headings}


def test_every_page_and_picture_is_linked() -> None:
    linked = {target for name in PAGES for target, _ in links_of(name)}
    assert {*DOCS.rglob("*.md"), *(DOCS / "images").iterdir()} <= linked


# -------------------------------------------------------------------------------------------- commands, files, names


@pytest.fixture(scope="module")
def options() -> dict[str, set[str]]:
    """Every command, with the options that its help names; psql hands them on, so it has none of its own."""
    found: dict[str, set[str]] = {program: {option} for program, option in STAND_INS.items()}
    for command in COMMANDS:
        with redirect_stdout(StringIO()) as shown, suppress(SystemExit):
            pkgutil.resolve_name(f"flows.{command}.main")(["--help"])
        found[command] = set(re.findall(r"(?<![\w-])--[\w-]+", shown.getvalue()))
    return found


@EVERY_PAGE
def test_every_command_and_option_exists(name: str, options: dict[str, set[str]]) -> None:
    code = code_of(name)
    for command, rest in re.findall(r"(?:(?<!--owner )codegrader |python -m flows\.)([a-z]+)\b([^\n`#|]*)", code):
        assert command in COMMANDS, command
        assert command == "psql" or set(re.findall(r"--[\w-]+", rest)) <= options[command], command + rest
    for module, rest in re.findall(r"python -m (tests[.\w]*)([^\n`#|]*)", code):
        assert pkgutil.resolve_name(module), module
        assert set(re.findall(r"--[\w-]+", rest)) <= options.get(module, {"--check"}), module + rest


@EVERY_PAGE
def test_every_deployment_run_names_a_deployment_and_its_parameters(name: str) -> None:
    for deployment, rest in re.findall(r"prefect deployment run '([^']+)'([^\n#]*)", code_of(name)):
        assert set(re.findall(r"-p (\w+)=", rest)) <= DEPLOYMENTS[deployment], rest
    assert set(re.findall(r"\bcodegrader-[a-z]+/[a-z]+\b", PAGES[name])) <= set(DEPLOYMENTS)


def _deployments() -> dict[str, set[str]]:
    found = {}
    for deployment in yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))["deployments"]:
        flow = pkgutil.resolve_name(deployment["entrypoint"])
        found[f"{flow.name}/{deployment['name']}"] = set(flow.parameters.properties)
    return found


DEPLOYMENTS = _deployments()


@EVERY_PAGE
def test_every_file_name_and_make_target_exists(name: str) -> None:
    code = code_of(name)
    for path in re.findall(r"(?<![\w/.])(?:flows|tasks|schemas|tests|docs|\.ci)/[\w./-]*", code):
        assert (ROOT / path).exists() or "_xx" in path, path
    for path in re.findall(r"`((?:flows|tasks|schemas|tests)\.[a-z_]+[\w.]*)`", PAGES[name]):
        assert pkgutil.resolve_name(path) is not None, path
    targets = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)[0].split()
    assert set(re.findall(r"\bmake ([a-z]+)", code)) <= set(targets)


# ------------------------------------------------------------------------------ settings, checks, figures, messages


def test_every_setting_is_in_the_example_and_explained_and_no_other() -> None:
    settings = {str(field.alias) for field in Environment.model_fields.values()}
    example = (ROOT / ".env.example").read_text("utf-8")
    assert set(re.findall(r"^([A-Z_]+)=", example, re.MULTILINE)) == settings - {"GOOGLE_SHEETS_URL"}
    explained = [row[0] for row in rows_of("docs/install.md", "setting")]
    assert sorted(explained) == sorted(settings)
    known = settings | {row[0] for row in rows_of("docs/install.md", "variable")}
    families = r"\b(?:GRADER|GOOGLE|SMTP|EMAIL|REPORT|CODEGRADER|DATABASE|LOG|SPREADSHEET|SSL)_[A-Z_]+\b"
    assert set(re.findall(families, "".join(PAGES.values()))) <= known


def test_every_check_is_in_the_contract_with_its_severity_and_no_other() -> None:
    from schemas.checks import DUPLICATE_ROWS, FEW_DUPLICATES, SHAPE, USUAL_ATTEMPTS, trusted_attempts

    moment = datetime(2023, 4, 1, tzinfo=UTC)
    errors = {SHAPE, *(check.name for check in trusted_attempts(Window(moment, moment), moment))}
    warnings = {check.name for check in USUAL_ATTEMPTS} | {DUPLICATE_ROWS, FEW_DUPLICATES}
    severities = dict.fromkeys(errors, "error") | dict.fromkeys(warnings, "warning")
    assert {name: severity for name, severity, *_ in rows_of("docs/data-contract.md", "check")} == severities


def test_every_column_of_the_figures_is_defined_and_no_other() -> None:
    columns = [column.name for column in daily_metrics.columns]
    assert [row[0] for row in rows_of("docs/figures.md", "column")] == columns


def test_every_limit_is_the_codes_own() -> None:
    for limit, value, constant in rows_of("docs/operating.md", "limit"):
        path, _, added = constant.partition("` + ")
        actual: Any = pkgutil.resolve_name(path)
        if isinstance(actual, timedelta):
            actual //= timedelta(days=1) if limit.startswith("days") else timedelta(hours=1)
        assert value == str(actual + int(added) if added else actual), limit


def texts_of_the_code() -> Iterator[str]:
    """Every text of the product but the docstrings, with `…` where a value is filled in."""
    for file in (file for folder in ("flows", "tasks", "schemas") for file in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield re.sub(r"%[sd]|%\.\df", "…", node.value)


def test_every_message_and_artifact_named_is_in_the_code() -> None:
    texts = "\n".join(texts_of_the_code())
    for message, *_ in rows_of("docs/troubleshooting.md", "message"):
        fixed = message.partition("`")[0].split("…")
        assert max(map(len, fixed)) >= 8, f"too little is fixed of: {message}"
        assert re.search(".*".join(map(re.escape, fixed)), texts), f"not in the code: {message}"
    assert {row[0] for row in rows_of("docs/guide.md", "artifact")} <= set(texts.splitlines())


# -------------------------------------------------------------------------------------------------------- the READMEs


def test_the_readmes_are_short_and_have_the_same_commands_and_output() -> None:
    readmes = ["README.md", "README.ru.md"]
    assert all(PAGES[name].count("\n") <= 150 for name in readmes)
    english, russian = ([re.sub(r" +#.*", "", block) for block in BLOCK.findall(PAGES[name])[1:]] for name in readmes)
    assert english == russian
    commands = [[row[0] for row in rows_of(*table)] for table in zip(readmes, ("command", "команда"), strict=True)]
    assert commands[0] == commands[1]


def counted(day: str) -> dict[str, int]:
    """A day's figures, counted from the sandbox's records without any code of ours."""
    start = datetime.fromisoformat(f"{day}T00:00:00+00:00")
    source = SyntheticRecords(now=lambda: datetime(2100, 1, 1, tzinfo=UTC), odd=True)
    fetched: list[Any] = list(source.between(start, start + timedelta(days=1) - timedelta(microseconds=1)))
    once = [record for record, _ in groupby(fetched)]
    good = [
        record
        for record in once
        if record["lti_user_id"] and record["created_at"].startswith(day) and record["is_correct"] in (None, 0, 1)
    ]
    odd = [
        record
        for record in good
        if (record["attempt_type"] == "run") != (record["is_correct"] is None)
        or not record["passback_params"].endswith("}")
    ]
    return {
        "fetched": len(fetched),
        "new": len(good),
        "rejected": len(once) - len(good),
        "duplicates": len(fetched) - len(once),
        "warnings": len(odd),
        "successful": sum(record["is_correct"] == 1 for record in good),
        "users": len({record["lti_user_id"] for record in good}),
    }


def test_the_output_shown_is_what_the_sandbox_gives() -> None:
    shown = blocks_of("README.md")
    days = {day: counted(day) for day in re.findall(r"^ +(\d{4}-\d\d-\d\d) ", shown, re.MULTILINE)}
    table = re.findall(r"^ +([-\d]{10}) +(\d+) +(\d+) +(\d+)$", shown, re.MULTILINE)
    assert len(days) == 7
    assert [(day, *map(str, (of["new"], of["successful"], of["users"]))) for day, of in days.items()] == table
    week = {name: sum(of[name] for of in days.values()) for name in counted("2023-04-01")}
    lines = re.findall(r"^[-\d]{10}.*: (.* fetched, .*)$", shown + blocks_of("docs/guide.md"), re.MULTILINE)
    again = "0 new, 0 changed, {new:,} unchanged"
    odd = "{rejected} rejected, {duplicates} duplicates, {warnings} warnings"
    first = "{fetched:,} fetched, {new:,} new, 0 changed, " + odd
    assert lines == [
        first.format(**week),
        ("{fetched:,} fetched, " + again + ", " + odd + " (nothing has changed)").format(**week),
        first.format(**counted("2023-04-01")),
    ]
