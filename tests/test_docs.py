"""Settings, commands, error codes and files in the docs match the code."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands

from tests import prose

ROOT = Path(settings.BASE_DIR)
README = (ROOT / "README.md").read_text()
README_RU = (ROOT / "README.ru.md").read_text()
API = (ROOT / "docs" / "api.md").read_text()
EXAMPLE = (ROOT / ".env.example").read_text()
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
COMPOSE = (ROOT / "docker-compose.yml").read_text()

READ = re.compile(r"""env\.\w+\(\s*"(\w+)\"""")
ENVIRONMENT = re.compile(r'os\.environ\.get\("(\w+)"\)')


def variables_read() -> set[str]:
    sources = [path.read_text() for path in (ROOT / "config").glob("*.py")]
    return {
        name
        for source in sources
        for name in [*READ.findall(source), *ENVIRONMENT.findall(source)]
    }


def variables_in_example() -> set[str]:
    return set(re.findall(r"^#?([A-Z][A-Z_]+)=", EXAMPLE, re.MULTILINE))


def variables_of_compose() -> set[str]:
    """Return the variables that only docker-compose.yml reads."""
    return set(re.findall(r"\$\{(\w+)", COMPOSE)) - variables_read()


def test_env_example_has_every_setting_and_no_other() -> None:
    own = {"COMPOSE_FILE"}  # Compose's own
    assert variables_in_example() == variables_read() | variables_of_compose() | own
    assert len(variables_of_compose()) > 5
    assert len(variables_read()) > 15


@pytest.mark.parametrize("readme", [README, README_RU], ids=["en", "ru"])
def test_readme_has_every_setting(readme: str) -> None:
    table = set(re.findall(r"^\| `([A-Z_]+)` \|", readme, re.MULTILINE))

    assert table == variables_read()


def test_operations_page_has_every_compose_variable() -> None:
    install = OPERATIONS.partition("## Upgrade")[0]
    table = set(re.findall(r"^\| `([A-Z_]+)` \|", install, re.MULTILINE))

    assert table == variables_of_compose()


@pytest.mark.parametrize("readme", [README, README_RU], ids=["en", "ru"])
def test_readme_has_every_command(readme: str) -> None:
    own = {name for name, app in get_commands().items() if app == "shortlinks"}
    makefile = (ROOT / "Makefile").read_text()
    targets = {"run", "test", "test-fast", "test-future", "test-browser", "check"}
    targets |= {"messages", "bench", "chaos", "drills"}

    assert all(f"manage {name}" in readme for name in own)
    assert all(f"`make {target}`" in readme for target in targets)
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
    assert own


def test_architecture_page_has_every_module_of_the_domain() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    table = page.partition("\n| package |")[2].partition("\n\n")[0]
    folder = ROOT / "shortlinks" / "domain"
    packages = {path.parent.name for path in folder.glob("*/__init__.py")}
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    named = re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE)

    assert set(re.findall(r"`(\w+)`", " ".join(named))) == packages | modules


def test_api_page_has_every_error_code() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "shortlinks").rglob("*.py"))
    codes = set(re.findall(r'"((?:[A-Z][a-z]+){2,})"', sources)) & {
        *re.findall(r'(?:fault|add_error)\("(\w+)"', sources),
        *re.findall(r'FieldError\("(\w+)"', sources),
        *re.findall(r'UrlRejected\(\s*"(\w+)"', sources),
        *re.findall(r'_faulty\(\s*items, "\w+", "(\w+)"', sources),
    }

    assert {code for code in codes if f"`{code}`" not in API} == set()
    assert len(codes) >= 7


def test_decision_index_has_every_record() -> None:
    folder = ROOT / "docs" / "adr"
    listed = set(
        re.findall(r"\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text())
    )

    assert listed == {path.name for path in folder.glob("0*.md")}


@pytest.mark.parametrize(
    "page", sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md")), ids=str
)
def test_links_between_pages_have_a_target(page: Path) -> None:
    targets = re.findall(r"\]\(([\w./-]+)(?:#[\w-]+)?\)", page.read_text())

    assert [t for t in targets if not (page.parent / t).exists()] == []


NAMED_FILE = re.compile(r"`((?:[\w.-]+/)+[\w-]+\.(?:py|sh|md|json|txt|js))`")
PLACES = ("", "shortlinks", "shortlinks/domain", "shortlinks/api", "docs", "docker")


@pytest.mark.parametrize(
    "page",
    [ROOT / "README.md", ROOT / "README.ru.md", ROOT / "CONTRIBUTING.md"]
    + [p for p in sorted((ROOT / "docs").rglob("*.md")) if "reference" not in p.parts],
    ids=str,
)
def test_files_named_in_the_docs_exist(page: Path) -> None:
    """Code may be named from the root, or from the layer that a page describes."""
    named = NAMED_FILE.findall(page.read_text())

    missing = [
        name
        for name in named
        if not any((ROOT / place / name).exists() for place in PLACES)
    ]
    assert [m for m in missing if not m.startswith(("var/", "backups/"))] == []


def test_every_page_is_linked_from_another() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    linked = {
        (page.parent / target).resolve()
        for page in pages
        for target in re.findall(r"\]\(([\w./-]+\.md)", page.read_text())
        if (page.parent / target).resolve() != page.resolve()
    }

    assert [p for p in pages if p.resolve() not in linked and p.stem != "README"] == []


def test_pages_named_in_the_code_exist() -> None:
    page = re.compile(r"\bdocs/(?:[\w-]+/)*[\w-]+\.md\b|\bdocs/adr/\d{4}\b")
    code = prose.files("*.py", "*.js", "*.yml", "*.toml", "*.sh", "Makefile")
    named = {
        (file, m) for file in code for m in page.findall((ROOT / file).read_text())
    }

    assert [each for each in sorted(named) if not list(ROOT.glob(f"{each[1]}*"))] == []
