"""The documentation is true: what it names exists, and what it says agrees with the code."""

import ast
import pkgutil
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from io import StringIO
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
README = ROOT / "README.md"
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
PAGE_NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
NEVER_IN_ENV = {"GOOGLE_SHEETS_URL"}
"""Settings that nobody but the sandbox sets."""

OF_OTHER_PROGRAMS = {"--help", "--editable", "--clean", "--if-exists", "--dbname", "--limit"}
"""Options that the documentation names by themselves and that are not ours."""
ELLIPSIS = "…"
SHORTEST_FIXED_PART = 8
"""A message of which less is fixed could be found anywhere."""


def without_code(text: str) -> str:
    """A page without its blocks of code, in which brackets are no links and # no headings."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def code_blocks(text: str) -> str:
    return "\n".join(re.findall(r"^```\w*\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL))


def code_of(text: str) -> str:
    """A page's blocks of code, and what stands between backticks in its text."""
    return "\n".join([code_blocks(text), *re.findall(r"`([^`\n]+)`", without_code(text))])


def rows_of(page: Path, header: str) -> list[list[str]]:
    """The cells of the table whose first column has that header."""
    lines = iter(without_code(page.read_text("utf-8")).splitlines())
    for line in lines:
        if line.startswith(f"| {header} |"):
            next(lines)
            table = []
            for row in lines:
                if not row.startswith("|"):
                    break
                table.append([cell.strip() for cell in row.strip("|").split(" | ")])
            return table
    raise AssertionError(f"{page.name} has no table whose first column is {header!r}")


def names_of(page: Path, header: str) -> list[str]:
    """The first column of that table, without its backticks."""
    return [row[0].strip("`") for row in rows_of(page, header)]


# ------------------------------------------------------------------------------------------------------------- links


def anchors_of(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", without_code(page.read_text("utf-8")), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links_of(page: Path) -> Iterator[str]:
    text = without_code(page.read_text("utf-8"))
    yield from re.findall(r"\]\(([^)\s]+)\)", text)
    yield from re.findall(r"(?:src|href)=\"([^\"]+)\"", text)


@pytest.mark.parametrize("page", PAGES, ids=PAGE_NAMES)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for link in links_of(page):
        if link.startswith("https://"):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), link


def test_every_page_is_linked() -> None:
    linked = {(page.parent / link.partition("#")[0]).resolve() for page in PAGES for link in links_of(page)}
    assert set(DOCS.rglob("*.md")) <= linked
    assert set((DOCS / "images").iterdir()) <= linked


def test_pictures_are_small() -> None:
    assert all(picture.stat().st_size < 200_000 for picture in (DOCS / "images").iterdir())


# ---------------------------------------------------------------------------------------------- commands and options


def _options(main: Callable[[Sequence[str]], object]) -> set[str]:
    """The options that a command's help names."""
    with redirect_stdout(StringIO()) as shown, suppress(SystemExit):
        main(["--help"])
    return set(re.findall(r"(?<![\w-])--[\w-]+", shown.getvalue()))


@pytest.fixture(scope="module")
def options() -> dict[str, set[str]]:
    """Every command that the documentation may name, with its options."""
    commands = {f"flows.{name}": f"flows.{name}" for name in COMMANDS if find_spec(f"flows.{name}")}
    stand_ins = (f"tests.sandbox.{name}" for name in ("grader", "sheets", "smtp"))
    commands |= {name: f"{name}.__main__" for name in (*stand_ins, "tests.benchmarks", "tests.sandbox")}
    commands |= {name: name for name in ("tests.sandbox.world", "tests.faults.table")}
    return {name: _options(import_module(module).main) for name, module in commands.items()}


@pytest.mark.parametrize("page", PAGES, ids=PAGE_NAMES)
def test_every_command_and_option_exists(page: Path, options: dict[str, set[str]]) -> None:
    for module, rest in re.findall(r"python -m ((?:flows|tests)[.\w]*)([^\n`#|]*)", code_of(page.read_text("utf-8"))):
        assert module in options, f"python -m {module}"
        assert set(re.findall(r"--[\w-]+", rest)) <= options[module], f"python -m {module}{rest}"


def test_options_named_by_themselves_exist(options: dict[str, set[str]]) -> None:
    ours = set().union(*options.values())
    for page in PAGES:
        for span in re.findall(r"`(--[\w-]+)", without_code(page.read_text("utf-8"))):
            assert span in ours | OF_OTHER_PROGRAMS, f"{page.name}: {span}"


@pytest.mark.parametrize("command", ["flows.etl", "flows.setup", "flows.backfill"])
def test_every_option_of_a_command_is_documented(command: str, options: dict[str, set[str]]) -> None:
    everything = "".join(page.read_text("utf-8") for page in PAGES)
    stems = {re.sub("^--(no-)?", "", name) for name in options[command]}
    assert {stem for stem in stems if f"--{stem}" not in everything and f"--no-{stem}" not in everything} <= {"help"}


@pytest.fixture(scope="module")
def deployments() -> dict[str, dict[str, Any]]:
    """The parameters that each deployment of `prefect.yaml` takes, by its full name."""
    found = {}
    for deployment in yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))["deployments"]:
        module, name = deployment["entrypoint"].rsplit(".", 1)
        flow = getattr(import_module(module), name)
        found[f"{flow.name}/{deployment['name']}"] = flow.parameters.properties
    return found


def test_every_deployment_named_exists_and_no_other_is_left_out(deployments: dict[str, dict[str, Any]]) -> None:
    named = {name for page in PAGES for name in re.findall(r"\bcodegrader-[a-z]+/[a-z]+\b", page.read_text("utf-8"))}
    assert named == set(deployments)


def test_every_parameter_of_a_deployment_run_exists(deployments: dict[str, dict[str, Any]]) -> None:
    for page in PAGES:
        for name, rest in re.findall(
            r"prefect deployment run '([^']+)'([^\n#]*)", code_blocks(page.read_text("utf-8"))
        ):
            assert set(re.findall(r"-p (\w+)=", rest)) <= set(deployments[name]), f"{page.name}: {name}{rest}"


def test_every_parameter_named_by_itself_exists(deployments: dict[str, dict[str, Any]]) -> None:
    known = set().union(*deployments.values())
    for page in PAGES:
        assert set(re.findall(r"`-p (\w+)=", page.read_text("utf-8"))) <= known, page.name


def test_the_artifacts_of_the_readme_are_those_that_runs_write() -> None:
    texts = {text for file in (ROOT / "flows").rglob("*.py") for text in texts_in(file)}
    assert set(names_of(README, "artifact")) <= texts


def test_the_lines_of_setup_in_the_readme_are_its_own(deployments: dict[str, dict[str, Any]]) -> None:
    from flows.installing.deployments import DEPLOYMENTS
    from flows.installing.server_objects import A_RUN_HAS_DIED, TELL_OF_IT, WORK_POOL
    from tasks.grader_api import CONCURRENCY_LIMIT, MAX_CONNECTIONS

    output = code_blocks(README.read_text("utf-8"))
    assert f"work pool: {WORK_POOL}, created" in output
    assert f"concurrency limit: {CONCURRENCY_LIMIT}, created, {MAX_CONNECTIONS} requests at once" in output
    assert f'automation "{A_RUN_HAS_DIED}": created' in output
    assert f'automation "{TELL_OF_IT}": created' in output
    assert f"deployments: {', '.join(DEPLOYMENTS)}, created" in output
    assert set(DEPLOYMENTS) == set(deployments)


def test_every_make_target_named_exists() -> None:
    line, *_ = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text("utf-8"), flags=re.MULTILINE)
    for page in PAGES:
        assert set(re.findall(r"\bmake ([a-z]+)", code_of(page.read_text("utf-8")))) <= set(line.split()), page.name


def test_every_file_named_exists() -> None:
    for page in PAGES:
        for path in re.findall(r"`((?:flows|tasks|schemas|tests|docs|\.ci)/[\w./-]*)`", page.read_text("utf-8")):
            assert (ROOT / path).exists() or "_xx" in path, f"{page.name}: {path}"


def test_hooks_run_what_make_check_runs() -> None:
    hooks = re.findall(r"entry: \.venv/bin/(.+)", (ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    recipe = (ROOT / "Makefile").read_text("utf-8").split("\ncheck:")[1].split("\n\n")[0]
    assert sorted(hooks) == sorted(line.removesuffix(" .") for line in re.findall(r"\$\(BIN\)/(.+)", recipe))


# ---------------------------------------------------------------------------------------------------------- settings


def known_settings() -> set[str]:
    return {str(field.alias) for field in Environment.model_fields.values()}


def test_every_setting_is_in_the_example_and_in_the_documentation_and_no_other() -> None:
    example = (ROOT / ".env.example").read_text("utf-8")
    assert set(re.findall(r"^([A-Z_]+)=", example, flags=re.MULTILINE)) == known_settings() - NEVER_IN_ENV
    assert sorted(names_of(DOCS / "operating.md", "setting")) == sorted(known_settings())


def test_every_setting_named_anywhere_exists() -> None:
    known = known_settings() | set(names_of(DOCS / "operating.md", "variable"))
    family = re.compile(r"\b(?:GRADER|GOOGLE|SMTP|EMAIL|REPORT|CODEGRADER|DATABASE|LOG|SPREADSHEET|SSL)_[A-Z_]+\b")
    for page in PAGES:
        assert set(family.findall(page.read_text("utf-8"))) <= known | {"LOG_DIR"}, page.name


# ---------------------------------------------------------------------------------------------------- checks, figures


def test_every_check_is_in_the_contract_with_its_severity_and_no_other() -> None:
    from schemas.checks import DUPLICATE_ROWS, FEW_DUPLICATES, SHAPE, USUAL_ATTEMPTS, trusted_attempts

    moment = datetime(2023, 4, 1, tzinfo=UTC)
    errors = {SHAPE, *(check.name for check in trusted_attempts(Window(moment, moment), moment))}
    warnings = {check.name for check in USUAL_ATTEMPTS} | {DUPLICATE_ROWS, FEW_DUPLICATES}
    severities = dict.fromkeys(errors, "error") | dict.fromkeys(warnings, "warning")
    documented = {row[0].strip("`"): row[1] for row in rows_of(DOCS / "data-contract.md", "check")}
    assert documented == severities


def test_every_column_of_the_figures_is_defined_and_no_other() -> None:
    assert names_of(DOCS / "figures.md", "column") == [column.name for column in daily_metrics.columns]


# --------------------------------------------------------------------------------------------------- limits, messages


def _measure(value: Any, limit: str) -> str:
    """A constant as the table writes it: durations in hours or days, as the limit's name says."""
    if isinstance(value, timedelta):
        return str(value // timedelta(days=1) if limit.startswith("days") else value // timedelta(hours=1))
    return str(value)


def test_every_limit_is_the_codes_own() -> None:
    for limit, value, constant in rows_of(DOCS / "operating.md", "limit"):
        found = re.fullmatch(r"`([\w.]+)`(?: \+ (\d+))?", constant)
        assert found, constant
        path, added = found.groups()
        actual = pkgutil.resolve_name(path)
        assert value == _measure(actual + int(added) if added else actual, limit), limit


def texts_in(file: Path) -> Iterator[str]:
    """Every text in a file but the docstrings, put together if it is in parts, with `…` where a value is filled in."""
    tree = ast.parse(file.read_text("utf-8"))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else ELLIPSIS for part in node.values]
            yield "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield re.sub(r"%[sd]|%\.\df", ELLIPSIS, node.value)


def test_every_message_of_the_failure_table_is_in_the_code() -> None:
    files = [file for folder in ("flows", "tasks", "schemas") for file in (ROOT / folder).rglob("*.py")]
    texts = "\n".join(text for file in files for text in texts_in(file))
    for row in rows_of(README, "message"):
        message = row[0].split("`")[1]
        fixed = message.split(ELLIPSIS)
        assert max(map(len, fixed)) >= SHORTEST_FIXED_PART, f"too little is fixed of: {message}"
        assert re.search(".*".join(map(re.escape, fixed)), texts), f"not in the code: {message}"


# ----------------------------------------------------------------------------------------------- figures of the README


@dataclass
class Figures:
    fetched: int
    rejected: int
    duplicates: int
    warnings: int
    attempts: int
    successful: int
    users: int


@pytest.fixture(scope="module")
def sandbox_figures() -> Callable[[str], Figures]:
    """A day's figures, counted from the sandbox's records without any code of ours."""
    source = SyntheticRecords(now=lambda: datetime(2100, 1, 1, tzinfo=UTC), odd=True)

    def count(day: str) -> Figures:
        start = datetime.fromisoformat(f"{day}T00:00:00+00:00")
        fetched: list[Any] = list(source.between(start, start + timedelta(days=1) - timedelta(microseconds=1)))
        once = [record for number, record in enumerate(fetched) if record not in fetched[number - 1 : number]]
        good = [
            record
            for record in once
            if record["lti_user_id"] and record["created_at"].startswith(day) and record["is_correct"] in (None, 0, 1)
        ]
        return Figures(
            fetched=len(fetched),
            rejected=len(once) - len(good),
            duplicates=len(fetched) - len(once),
            warnings=sum(
                (record["attempt_type"] == "run") != (record["is_correct"] is None)
                or not record["passback_params"].endswith("}")
                for record in good
            ),
            attempts=len(good),
            successful=sum(record["is_correct"] == 1 for record in good),
            users=len({record["lti_user_id"] for record in good}),
        )

    return cache(count)


def test_the_figures_of_make_run_are_the_sandboxs(sandbox_figures: Callable[[str], Figures]) -> None:
    output = code_blocks(README.read_text("utf-8"))
    table = re.findall(r"^ +(\d{4}-\d\d-\d\d) +(\d+) +(\d+) +(\d+)$", output, flags=re.MULTILINE)
    assert len(table) == 7
    days = [sandbox_figures(day) for day, *_ in table]
    assert [tuple(map(int, row[1:])) for row in table] == [(day.attempts, day.successful, day.users) for day in days]
    fetched, new = f"{sum(day.fetched for day in days):,} fetched", f"{sum(day.attempts for day in days):,}"
    odd = ", ".join(
        f"{sum(getattr(day, name) for day in days)} {name}" for name in ("rejected", "duplicates", "warnings")
    )
    assert f"{fetched}, {new} new, 0 changed, {odd}\n" in output
    assert f"{fetched}, 0 new, 0 changed, {new} unchanged, {odd} (nothing has changed)\n" in output


def test_the_figures_of_a_run_of_one_day_are_the_sandboxs(sandbox_figures: Callable[[str], Figures]) -> None:
    (line,) = re.findall(r"^\d{4}-\d\d-\d\d: [\d,]+ fetched, .*", README.read_text("utf-8"), flags=re.MULTILINE)
    day = line.split(":")[0]
    figures = sandbox_figures(day)
    odd = f"{figures.rejected} rejected, {figures.duplicates} duplicates, {figures.warnings} warnings"
    assert line == f"{day}: {figures.fetched:,} fetched, {figures.attempts:,} new, 0 changed, {odd}"


def test_the_windows_and_days_that_the_readme_names_are_the_defaults() -> None:
    from flows.etl import codegrader_etl
    from flows.running import logs
    from tasks import extract, grader_api, plan

    text = " ".join(README.read_text("utf-8").split())
    defaults = {name: parameter.get("default") for name, parameter in codegrader_etl.parameters.properties.items()}
    assert f"windows of {defaults['window_hours']} hours" in text
    assert f"the days of the last {defaults['heal_days']} that are missing" in text
    assert defaults["lookback_days"] == 1
    assert "It asks once more for the day before" in text
    assert grader_api.MAX_CONNECTIONS == 4
    assert "four at a time" in text
    assert f"takes up to {plan.MAX_DAYS} days" in text
    assert f"cached for {extract.CACHE_EXPIRATION.days} days" in text
    assert f"for {logs.KEEP.days} days after that day" in text
    assert extract.extract.retries == 4
    assert "It was tried five times" in text
