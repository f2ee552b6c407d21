"""Sessions for development: `nox` alone runs what must pass."""

import os
import shutil
import tempfile
from pathlib import Path

import nox

nox.needs_version = ">=2026.10"
nox.options.sessions = ["tests", "coverage", "types", "lint"]
nox.options.default_venv_backend = "virtualenv"
nox.options.error_on_missing_interpreters = False
nox.options.download_python = "never"

PYPROJECT = nox.project.load_toml("pyproject.toml")
SUPPORTED = nox.project.python_versions(PYPROJECT)
# One worker more than cores: a tenth of the tests wait for sockets and processes.
IN_PARALLEL = ("-n", str((os.cpu_count() or 1) + 1), "--dist", "worksteal")
COMPILED: dict[str, str | None] = {"PYTHONDONTWRITEBYTECODE": None}
"""Programs that tests start need not compile again what has been compiled once."""

tested: list[str] = []
"""The Pythons that the tests were run on, in order."""


def group(name: str) -> tuple[str, ...]:
    """Return the requirements of a dependency group."""
    return nox.project.dependency_groups(PYPROJECT, name)


@nox.session(python=SUPPORTED[::-1])
def suite(session: nox.Session) -> None:
    """Run the tests on one Python."""
    session.install("-q", "-e", ".[cli]", *group("tests"))
    tested.append(str(session.python))
    session.run("python", "-m", "pytest", *IN_PARALLEL, *session.posargs, env=COMPILED)


@nox.session(venv_backend="none", requires=[f"suite-{python}" for python in SUPPORTED[::-1]])
def tests(session: nox.Session) -> None:
    """Run the tests on every supported Python that is installed."""
    # A missing interpreter only skips its `suite`.
    if not tested:
        session.error(f"no supported Python is installed, nothing was tested: {', '.join(SUPPORTED)}")


@nox.session
def coverage(session: nox.Session) -> None:
    """Run the tests again, half as fast, and hold the branch coverage; it hardly differs between Pythons."""
    session.install("-q", "-e", ".[cli]", *group("tests"))
    env = COMPILED | {"COVERAGE_FILE": str(Path(session.create_tmp()).resolve() / "coverage")}
    session.run("coverage", "erase", env=env)
    session.run("coverage", "run", "-m", "pytest", *IN_PARALLEL, *session.posargs, env=env)
    session.run("coverage", "combine", "-q", env=env)
    # Chosen tests say nothing about the coverage of all of them.
    session.run("coverage", "report", *(["--fail-under=0"] if session.posargs else []), env=env)


@nox.session
def types(session: nox.Session) -> None:
    """Check the package and the typing tests with mypy and pyright."""
    session.install("-q", "-e", ".[cli,otel]", *group("types"))
    session.run("mypy", "exchanges", "examples", "tests/typing")
    session.run("pyright", "exchanges", "examples", "tests/typing")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, formatting, and which package may import which."""
    session.install("-q", *group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports", "--no-cache")


def run_on(session: nox.Session, built: Path) -> None:
    """Run the tests against a built wheel, outside the source tree and without extras."""
    with tempfile.TemporaryDirectory() as name:
        away = Path(name).resolve()
        session.install("-q", str(built), *group("tests"))
        for folder in ("tests", "examples", "docs", ".ci", ".github"):
            shutil.copytree(folder, away / folder, ignore=shutil.ignore_patterns("__pycache__"))
        for file in (*Path().glob("*.md"), "pyproject.toml", "noxfile.py", ".pre-commit-config.yaml"):
            shutil.copy(file, away)
        with session.chdir(away):
            session.run("python", "-c", "import exchanges; print('testing', exchanges.__file__)")
            session.run("python", "-m", "pytest", *IN_PARALLEL)


@nox.session
def wheel(session: nox.Session) -> None:
    """Run the tests against the wheel."""
    with tempfile.TemporaryDirectory() as name:
        session.run("python", "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", name, ".")
        (built,) = Path(name).resolve().glob("*.whl")
        run_on(session, built)


@nox.session
@nox.parametrize("extra", ["", *PYPROJECT["project"]["optional-dependencies"]])
def extras(session: nox.Session, extra: str) -> None:
    """Install the built wheel alone, and with each extra; import everything public, and run the demo."""
    with tempfile.TemporaryDirectory() as name:
        session.run("python", "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", name, ".")
        (built,) = Path(name).resolve().glob("*.whl")
        session.install("-q", f"{built}[{extra}]" if extra else str(built))
        with session.chdir(name):
            imports = "import exchanges.simulator, exchanges.spot, exchanges.state"
            session.run("python", "-W", "error", "-c", f"{imports}; from exchanges import Bitex, Bitso, Bitstamp")
            session.run("python", "-m", "exchanges", "demo", "--seconds", "1")
            # The package index resolves no link to a file of the repository.
            readme = "__import__('importlib.metadata').metadata.metadata('aioexchanges').get_payload()"
            session.run("python", "-c", f"readme = {readme}; assert readme; assert '](docs/' not in readme")


@nox.session
def demo(session: nox.Session) -> None:
    """Run the demo against the simulator."""
    session.install("-q", "-e", ".")
    session.run("python", "-m", "exchanges", "demo", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site, with warnings as errors, and check its links; it is in `.nox/docs/tmp/site`."""
    session.install("-q", "-e", ".[cli,otel]", *group("docs"))
    site = str(Path(session.create_tmp()).resolve() / "site")
    session.run("sphinx-build", "-q", "-E", "-W", "--keep-going", "-b", "html", "docs", site)
    session.run("python", "docs/check_site.py", site)


@nox.session
def api(session: nox.Session) -> None:
    """Compare the public surface with that of the last release, or of a commit: `nox -s api -- v0.2.0`."""
    session.install("-q", *group("api"))
    session.run("python", ".ci/check_api.py", *session.posargs)


@nox.session
def release(session: nox.Session) -> None:
    """Build what a tag publishes, in `dist`, and check just that: `nox -s release -- v0.2.0`."""
    session.install("-q", *group("release"))
    session.run("python", ".ci/check_release.py", *session.posargs)
    session.run("python", ".ci/check_api.py")
    shutil.rmtree("dist", ignore_errors=True)
    # The wheel is built from the archive, so a file that the archive lacks is noticed.
    session.run("python", "-m", "build")
    session.run("twine", "check", "--strict", *map(str, Path("dist").iterdir()))
    (built,) = Path("dist").resolve().glob("*.whl")
    run_on(session, built)


@nox.session
def uvloop(session: nox.Session) -> None:
    """Run the tests on the event loops of uvloop."""
    session.install("-q", "-e", ".[cli]", *group("tests"), "uvloop>=0.21")
    session.run("python", "-m", "pytest", *IN_PARALLEL, "-p", "tests.support.on_uvloop", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure the costs of calls as ratios to other clients."""
    session.install("-q", "-e", ".[streams]", *group("bench"))
    session.run("python", "benchmarks/run.py", *session.posargs)


@nox.session
def interop(session: nox.Session) -> None:
    """Run the tests with the real mocks, recorders, tracers and transports of others."""
    session.install("-q", "-e", ".[otel]", *group("interop"))
    session.run("python", "-m", "pytest", "-m", "interop", *session.posargs)


@nox.session
def foreign(session: nox.Session) -> None:
    """Let clients of others trade on the simulator."""
    session.install("-q", "-e", ".", *group("foreign"))
    session.run("python", "-m", "pytest", "-m", "foreign", *session.posargs)


@nox.session
def stress(session: nox.Session) -> None:
    """Measure the promises at full size, or in small with `-- --quick`, and run the cases left out of `tests`."""
    session.install("-q", "-e", ".[cli]", *group("tests"))
    if not session.posargs:
        session.run("python", "-m", "pytest", *IN_PARALLEL, "-m", "stress")
    session.run("python", "-m", "tests.stress", *session.posargs)
