"""What the documents show works: modules compile, adapters are right, links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from myocan.hub.lang import Topic, check_house
from myocan.tools.adapters import parse_adapter

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
SHOWN = [ROOT / "README.md", ROOT / "docs" / "getting-started.md"]
"""Documents whose examples are whole, so they can be tried."""


def blocks(document: Path, kind: str) -> list[str]:
    """Return the code blocks of a kind in a document."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", document.read_text(), re.MULTILINE | re.DOTALL)


MODULES = [
    pytest.param(text, id=f"{path.name}-{number}")
    for path in SHOWN
    for number, text in enumerate(blocks(path, "scc"), 1)
]
ADAPTERS = [
    pytest.param(text, id=f"{path.name}-{number}")
    for path in SHOWN
    for number, text in enumerate(blocks(path, "toml"), 1)
    if text.startswith("board")
]


def test_the_documents_show_modules_and_adapters() -> None:
    assert len(MODULES) > 1
    assert len(ADAPTERS) > 0


@pytest.mark.parametrize("text", MODULES)
def test_a_module_that_is_shown_compiles_without_a_warning(text: str) -> None:
    name = re.search(r"^MODULE (\w+)$", text, re.MULTILINE)
    assert name
    sent = [Topic("button1", "press", "event"), Topic("switch1", "state", "values")]
    assert [str(found) for found in check_house({name[1]: text}, sent)] == []


@pytest.mark.parametrize("text", ADAPTERS)
def test_an_adapter_that_is_shown_is_right(text: str) -> None:
    assert parse_adapter(Path("porch.toml"), text).warnings == ()


def test_every_file_that_the_tour_of_the_code_names_is_there() -> None:
    tour = (ROOT / "docs" / "architecture.md").read_text()
    there = [f"/{path.relative_to(ROOT).as_posix()}" for path in ROOT.glob("*/myocan/**/*.*")]
    short = [path.replace("/myocan/", "/").replace("/hub/hub/", "/hub/") for path in there]
    named = re.findall(r"`([a-z_/]+\.(?:py|lark))`", tour)
    assert len(named) > 30
    missing = [name for name in named if not any(one.endswith(f"/{name}") for one in there + short)]
    assert missing == []


def test_every_page_is_in_the_list_of_pages() -> None:
    readme = (ROOT / "README.md").read_text()
    pages = [path for path in DOCUMENTS if path.name != "README.md"]
    assert [p.name for p in pages if f"({p.relative_to(ROOT).as_posix()})" not in readme] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_within_the_repository_leads_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", document.read_text())
    missing = [
        target
        for target in targets
        if "://" not in target and not (document.parent / target).exists()
    ]
    assert missing == []
