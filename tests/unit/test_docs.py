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
from schemas.figures import DAILY_FIGURES
from schemas.period import Window
from tasks.check import check
from tasks.transform import transform
from tests.sandbox.grader import SyntheticRecords

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    str(page.relative_to(ROOT)): page.read_text("utf-8") for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"))
}
BLOCK = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EVERY_PAGE = pytest.mark.parametrize("name", sorted(PAGES))


def code_of(name: str) -> str:
    """A page's blocks of code, and what stands between backticks in its text."""
    return "\n".join([*BLOCK.findall(PAGES[name]), *re.findall(r"`([^`\n]+)`", BLOCK.sub("", PAGES[name]))])


def rows_of(name: str, header: str) -> list[list[str]]:
    """The cells of the table whose first column has that header, without backticks."""
    (table,) = re.findall(rf"^\| {header} \|.*\n\|[-:| ]+\n((?:\|.*\n)+)", PAGES[name], re.MULTILINE)
    return [[cell.strip(" `") for cell in row.strip("|").split(" | ")] for row in table.splitlines()]


def links_of(name: str) -> Iterator[tuple[Path, str]]:
    """The files that a page links to, each with the anchor in it."""
    for link in re.findall(r"(?:\]\(|src=\")(?!https:)([^)\s\"]+)", BLOCK.sub("", PAGES[name])):
        file, _, anchor = link.partition("#")
        yield ((ROOT / name).parent / file if file else ROOT / name).resolve(), anchor


@EVERY_PAGE
def test_every_link_leads_somewhere(name: str) -> None:
    for target, anchor in links_of(name):
        assert target.exists(), target
        headings = re.findall(r"^#+ (.+)$", target.read_text("utf-8"), re.MULTILINE) if anchor else [""]
        assert anchor in {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in headings}, target


def test_every_page_and_picture_is_linked() -> None:
    linked = {target for name in PAGES for target, _ in links_of(name)}
    assert {*ROOT.glob("docs/**/*.md"), *ROOT.glob("docs/images/*")} <= linked


@pytest.fixture(scope="module")
def options() -> dict[str, set[str]]:
    """Every command, with the options that its help names."""
    found = {}
    for command in COMMANDS:
        with redirect_stdout(StringIO()) as shown, suppress(SystemExit):
            pkgutil.resolve_name(f"flows.{command}.main")(["--help"])
        found[command] = set(re.findall(r"(?<![\w-])--[\w-]+", shown.getvalue()))
    return found


@EVERY_PAGE
def test_every_command_and_option_exists(name: str, options: dict[str, set[str]]) -> None:
    commands = r"(?:(?<!--owner )codegrader |python -m flows\.)([a-z]+)\b([^\n`#|]*)"
    for command, rest in re.findall(commands, code_of(name)):
        assert command == "psql" or set(re.findall(r"--[\w-]+", rest)) <= options[command], f"{command} {rest}"


@EVERY_PAGE
def test_every_deployment_parameter_file_module_and_make_target_exists(name: str) -> None:
    flows = {}
    for deployment in yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))["deployments"]:
        flow = pkgutil.resolve_name(deployment["entrypoint"])
        flows[f"{flow.name}/{deployment['name']}"] = set(flow.parameters.properties)
    assert set(re.findall(r"\bcodegrader-[a-z]+/[a-z]+\b", PAGES[name])) <= set(flows)
    code = code_of(name)
    for deployment, rest in re.findall(r"prefect deployment run '([^']+)'([^\n#]*)", code):
        assert set(re.findall(r"-p (\w+)=", rest)) <= flows[deployment], rest
    for path in re.findall(r"(?<![\w/.])(?:flows|tasks|schemas|tests|docs|\.ci)/[\w./-]*", code):
        assert (ROOT / path).exists() or "NAME" in path, path
    for path in re.findall(r"(?<![\w./-])(?:flows|tasks|schemas|tests)\.[a-z_]\w*(?:\.\w+)*(?![\w/])", code):
        assert pkgutil.resolve_name(path) is not None, path
    targets = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)[0].split()
    assert set(re.findall(r"\bmake ([a-z]+)", code)) <= set(targets)


def test_every_setting_is_in_the_example_and_explained_and_no_other() -> None:
    settings = {str(field.alias) for field in Environment.model_fields.values()}
    example = (ROOT / ".env.example").read_text("utf-8")
    assert set(re.findall(r"^([A-Z_]+)=", example, re.MULTILINE)) == settings - {"GOOGLE_SHEETS_URL"}
    assert sorted(row[0] for row in rows_of("docs/install.md", "setting")) == sorted(settings)
    known = settings | {row[0] for row in rows_of("docs/install.md", "variable")}
    families = r"\b(?:GRADER|GOOGLE|SMTP|EMAIL|REPORT|CODEGRADER|DATABASE|LOG|SPREADSHEET|SSL)_[A-Z_]+\b"
    assert set(re.findall(families, "".join(PAGES.values()))) <= known


def test_figures_checks_and_limits_are_the_codes_own() -> None:
    figures = [[figure.name, figure.meaning.en, figure.sql] for figure in DAILY_FIGURES]
    assert rows_of("docs/figures.md", "column") == figures
    now = datetime(2023, 4, 1, tzinfo=UTC)
    results = check([], transform([]), Window(now - timedelta(hours=6), now), now).results
    checks = {name: severity for name, severity, *_ in rows_of("docs/data-contract.md", "check")}
    assert checks == {result.check: result.severity for result in results}
    for limit, value, constant in rows_of("docs/operating.md", "limit"):
        path, _, added = constant.partition("` + ")
        actual: Any = pkgutil.resolve_name(path)
        if isinstance(actual, timedelta):
            actual //= timedelta(days=1) if limit.startswith("days") else timedelta(hours=1)
        assert value == str(actual + int(added) if added else actual), limit


def texts_of_the_code() -> Iterator[str]:
    """Every text of the product, with `…` where a value is filled in."""
    for file in (file for folder in ("flows", "tasks", "schemas") for file in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield re.sub(r"%[sd]|%\.\df", "…", node.value)


def test_every_message_and_artifact_named_is_in_the_code() -> None:
    texts = "\n".join(texts_of_the_code())
    for message, *_ in rows_of("docs/troubleshooting.md", "message"):
        assert re.search(".*".join(map(re.escape, message.partition("`")[0].split("…"))), texts), message
    for artifact, *_ in rows_of("docs/guide.md", "artifact"):
        assert {artifact, artifact.removeprefix("codegrader-")} & set(texts.splitlines()), artifact


def test_the_readmes_are_short_and_show_the_same() -> None:
    blocks, commands = [], []
    for name, header in (("README.md", "command"), ("README.ru.md", "команда")):
        assert PAGES[name].count("\n") <= 150
        blocks.append([re.sub(r" +#.*", "", block) for block in BLOCK.findall(PAGES[name])[1:]])
        commands.append([row[0] for row in rows_of(name, header)])
    assert blocks[0] == blocks[1]
    assert commands[0] == commands[1]


def count(day: str) -> dict[str, int]:
    """A day's figures, counted from the sandbox's records without any code of ours."""
    start = datetime.fromisoformat(f"{day}T00:00:00+00:00")
    source = SyntheticRecords(now=lambda: datetime(2100, 1, 1, tzinfo=UTC), odd=True)
    fetched: list[Any] = list(source.between(start, start + timedelta(days=1) - timedelta(microseconds=1)))
    once = [one for one, _ in groupby(fetched)]
    good = [
        one
        for one in once
        if one["lti_user_id"] and one["created_at"][:10] == day and one["is_correct"] in (None, 0, 1)
    ]
    return {
        "fetched": len(fetched),
        "new": len(good),
        "rejected": len(once) - len(good),
        "duplicates": len(fetched) - len(once),
        "warnings": sum(
            (one["attempt_type"] == "run") != (one["is_correct"] is None) or one["passback_params"][-1:] != "}"
            for one in good
        ),
        "successful": sum(one["is_correct"] == 1 for one in good),
        "users": len({one["lti_user_id"] for one in good}),
    }


def test_the_output_shown_is_what_the_sandbox_gives() -> None:
    shown = code_of("README.md")
    table = re.findall(r"^ +([-\d]{10}) +(\d+) +(\d+) +(\d+)$", shown, re.MULTILINE)
    days = {day: count(day) for day, *_ in table}
    assert [(day, *map(str, (of["new"], of["successful"], of["users"]))) for day, of in days.items()] == table
    week = {name: sum(of[name] for of in days.values()) for name in count("2023-04-01")}
    loaded, odd = "{new:,} new, 0 changed", "{rejected} rejected, {duplicates} duplicates, {warnings} warnings"
    first, again = (
        f"{{fetched:,}} fetched, {loaded}, {odd}",
        f"{{fetched:,}} fetched, 0 new, 0 changed, {{new:,}} unchanged, {odd}",
    )
    lines = [first.format(**week), again.format(**week), first.format(**count("2023-04-01"))]
    said = re.findall(r"^[-\d]{10}[^:]*: (.* fetched, .* warnings)", shown + code_of("docs/guide.md"), re.MULTILINE)
    assert said == lines
