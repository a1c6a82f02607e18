"""The docs say what is: settings, commands and error codes appear in them."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands

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
    """What docker-compose.yml reads of .env for itself."""
    return set(re.findall(r"\$\{(\w+)", COMPOSE)) - variables_read()


def test_the_example_names_what_is_read_and_nothing_else() -> None:
    assert variables_in_example() == variables_read() | variables_of_compose()
    assert len(variables_of_compose()) > 5
    assert len(variables_read()) > 15


@pytest.mark.parametrize("readme", [README, README_RU], ids=["en", "ru"])
def test_the_readme_has_every_setting(readme: str) -> None:
    table = set(re.findall(r"^\| `([A-Z_]+)` \|", readme, re.MULTILINE))

    assert table == variables_read()


def test_the_operators_page_has_what_compose_reads_for_itself() -> None:
    install = OPERATIONS.partition("## Upgrade")[0]
    table = set(re.findall(r"^\| `([A-Z_]+)` \|", install, re.MULTILINE))

    assert table == variables_of_compose()


@pytest.mark.parametrize("readme", [README, README_RU], ids=["en", "ru"])
def test_the_readme_has_every_command(readme: str) -> None:
    own = {name for name, app in get_commands().items() if app == "shortlinks"}
    makefile = (ROOT / "Makefile").read_text()
    targets = {"run", "test", "check", "bench", "faults", "drills"}

    assert all(f"manage {name}" in readme for name in own)
    assert all(f"`make {target}`" in readme for target in targets)
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
    assert own


def test_the_api_page_has_every_error_code() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "shortlinks").rglob("*.py"))
    codes = set(re.findall(r'"((?:[A-Z][a-z]+){2,})"', sources)) & {
        *re.findall(r'fault\("(\w+)"', sources),
        *re.findall(r'FieldError\("(\w+)"', sources),
        *re.findall(r'UrlRejected\(\s*"(\w+)"', sources),
        *re.findall(r'_faulty\(\s*items, "\w+", "(\w+)"', sources),
    }

    assert {code for code in codes if f"`{code}`" not in API} == set()
    assert len(codes) >= 7


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "adr"
    listed = set(
        re.findall(r"\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text())
    )

    assert listed == {path.name for path in folder.glob("0*.md")}


@pytest.mark.parametrize(
    "page", sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md")), ids=str
)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([\w./-]+)(?:#[\w-]+)?\)", page.read_text())

    assert [t for t in targets if not (page.parent / t).exists()] == []
