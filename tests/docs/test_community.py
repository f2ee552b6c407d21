"""What stands around the code: workflows, templates, metadata and the release agree with each other."""

import importlib.util
import re
import tomllib

import pytest
import yaml

from exchanges import __version__
from tests.support.documented_programs import ROOT

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
NOXFILE = (ROOT / "noxfile.py").read_text("utf-8")
SESSIONS = set(re.findall(r"^@nox\.session.*\n(?:@.*\n)*def (\w+)\(", NOXFILE, re.MULTILINE))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[!c]*.yml"))
PUBLIC = re.findall(r'^    "(exchanges[.\w]*)",$', (ROOT / ".ci" / "check_api.py").read_text("utf-8"), re.MULTILINE)
PROGRAMS = sorted([*(ROOT / "examples").glob("*.py"), *(ROOT / "docs").glob("*.md"), ROOT / "README.md"])
PYTHONS = [c.rpartition(" ")[2] for c in PYPROJECT["project"]["classifiers"] if re.search(r"Python :: 3\.\d+$", c)]


def read(path):
    """Return what a file of YAML holds."""
    return yaml.safe_load(path.read_text("utf-8"))


def script(name):
    """Return a script of the folder .ci as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", [*WORKFLOWS, *FORMS, ROOT / ".pre-commit-config.yaml"], ids=lambda path: path.name)
def test_yaml(path):
    """Each file can be parsed, and has an object at its top."""
    assert read(path).keys()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows(path):
    """Each job has steps, a limit of time and a machine, may only read by default, and runs known sessions."""
    workflow = read(path)
    text = path.read_text("utf-8")
    jobs = workflow["jobs"].values()
    named = re.findall(
        r"nox -s ([\w .-]+?)(?: -- .*)?$", text.replace("suite-${{ matrix.python }}", "suite"), re.MULTILINE
    )
    named += [name for job in jobs for name in job.get("strategy", {}).get("matrix", {}).get("session", [])]

    assert {"contents": "read"} == workflow["permissions"]
    assert all(job["steps"] and job["runs-on"] and job["timeout-minutes"] for job in jobs)
    assert {name for names in named for name in names.split()} <= SESSIONS
    # YAML reads the key `on` as true.
    assert workflow[True]


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.name)
def test_programs_use_the_public_surface(path):
    """What examples and guides import from may not change without notice."""
    imported = re.findall(r"^\s*(?:from|import) (exchanges[.\w]*)", path.read_text("utf-8"), re.MULTILINE)

    assert [] == sorted(set(imported) - set(PUBLIC))


def test_the_public_surface_is_named():
    """The page of versions names every package whose breaks are looked for; older generations together."""
    surface = (ROOT / "docs" / "versions.md").read_text("utf-8").partition("## Deprecation")[0]
    parts = {name: name if name.count(".") < 2 else name.rpartition(".")[2] for name in PUBLIC}

    assert [] == [name for name, part in parts.items() if f"`{part}`" not in surface and part not in ("v1", "v2")]


def test_every_session_that_must_pass_is_run():
    """The workflows run every session but those that are tools."""
    texts = "".join(path.read_text("utf-8") for path in WORKFLOWS)
    missing = {name for name in SESSIONS - {"demo", "tests"} if not re.search(rf"\b{name}\b", texts)}

    assert set() == missing


def test_what_is_published_is_what_was_tested():
    """The release builds in one session alone, which tests what it built; the next step uploads it."""
    jobs = read(ROOT / ".github" / "workflows" / "release.yml")["jobs"]
    *_, check, upload = jobs["build"]["steps"]
    steps = [step.get("run", "") for job in jobs.values() for step in job["steps"]]
    session = NOXFILE.partition("def release(")[2].partition("\n@nox.session")[0]

    assert ('nox -s release -- "$GITHUB_REF_NAME"', "dist/") == (check["run"], upload["with"]["path"])
    assert [] == [step for step in steps if "build" in step]
    assert all(words in session for words in ('"-m", "build"', 'Path("dist")', "run_on(session, built)"))


def test_pythons():
    """The tests run on every Python of the classifiers, on Linux and macOS; Windows may fail."""
    job = read(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]["tests"]
    matrix = job["strategy"]["matrix"]

    assert (PYTHONS, ["ubuntu-latest", "macos-latest"]) == (matrix["python"], matrix["os"])
    assert "${{ matrix.os == 'windows-latest' }}" == job["continue-on-error"]
    assert f">={PYTHONS[0]}" == PYPROJECT["project"]["requires-python"]


def test_pre_commit_runs_our_linter():
    """The hook of ruff is of the minor version that the group `lint` allows."""
    (ruff,) = (repo["rev"] for repo in read(ROOT / ".pre-commit-config.yaml")["repos"] if "ruff" in repo["repo"])
    (allowed,) = (need for need in PYPROJECT["dependency-groups"]["lint"] if need.startswith("ruff"))

    assert ruff.removeprefix("v").rpartition(".")[0] in allowed


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_forms(path):
    """Each form has a name, a description, fields with labels, and no id twice."""
    form = read(path)
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    ids = [field["id"] for field in fields]

    assert form["name"]
    assert form["description"]
    assert all(field["attributes"]["label"] for field in fields)
    assert len(ids) == len(set(ids))


def test_one_address():
    """All links to the repository name the same one."""
    source = PYPROJECT["project"]["urls"]["Source"]
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / ".github").rglob("*.yml")]
    named = {
        found
        for page in pages
        for found in re.findall(r"https://github\.com/aio[\w-]+/[\w-]+", page.read_text("utf-8"))
    }

    assert {source} == named


def test_the_changelog_leads_with_this_version():
    """The newest section of the changelog is that of the version."""
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    faults = script("check_release").faults

    assert [] == [f for f in faults(f"v{__version__}", f'__version__ = "{__version__}"', changelog) if "day" not in f]


@pytest.mark.parametrize(
    ("tag", "head", "count"),
    [
        ("v1.2.3", "## [1.2.3] - 2026-11-28", 0),
        ("v1.2.4", "## [1.2.3] - 2026-11-28", 1),
        ("v1.2.3", "## [1.2.3]", 1),
        ("v1.2.3", "## [Unreleased]", 1),
        ("1.2.3", "## [1.2.2] - 2026-11-28", 2),
    ],
)
def test_what_can_be_released(tag, head, count):
    """A release needs a tag and a dated section of its version."""
    found = script("check_release").faults(tag, '__version__ = "1.2.3"\n', f"# Changelog\n\n{head}\n")

    assert count == len(found)


def test_the_form_of_the_changelog():
    """The sections of a version are in order, each once, and each entry is an item of a list."""
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    order = ["Security", "Removed", "Deprecated", "Added", "Changed", "Fixed"]
    for version in text.split("\n## ")[1:]:
        _, *sections = version.split("\n### ")
        names = [section.partition("\n")[0] for section in sections]
        lines = [line for section in sections for line in section.splitlines()[1:]]

        assert sorted(names, key=order.index) == names
        assert len(names) == len(set(names))
        assert [] == [line[:60] for line in lines if line.strip() and not line.startswith(("- ", "  "))]
