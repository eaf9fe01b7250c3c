"""The laws of the house that a machine can check."""

import re
import socket
import subprocess
import sys
import tomllib
from importlib import metadata, resources
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.house import COUNTS, code_lines

if TYPE_CHECKING:
    from grimp import ImportGraph

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "snellen"
MODULES = sorted(SOURCE.rglob("*.py"))
MOST_CODE_LINES = 250
MOST_PACKAGES = 50

# The parts of torch that only a CUDA build brings, and their compiler.
CUDA = re.compile(r"^(nvidia-|cuda-|triton$)")


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_imports_point_down_only():
    if find_spec("importlinter") is None:
        pytest.skip("import-linter is not installed: it comes with the extra 'lint'")
    command = "from importlinter.cli import lint_imports_command as run; run(['--no-cache'])"
    done = subprocess.run(
        [sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


Room = tuple[int, set[str], Path]


def test_the_map_shows_every_room_on_its_floor():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    floors = contracts["importlinter"]["contracts"][0]["layers"]
    shown = [[one.strip() for one in rooms.split("|")] for rooms in reversed(floors)]
    shown = [[room for room in rooms if not room.startswith("_")] for rooms in shown]
    named = {room: i for i, rooms in enumerate(filter(None, shown)) for room in rooms}
    parts = (path for path in SOURCE.iterdir() if not path.name.startswith("_"))
    there = {path.stem for path in parts if path.is_dir() or path.suffix == ".py"}
    assert set(map_of_rooms()) == there == set(named)
    assert {room: floor for room, (floor, _, _) in map_of_rooms().items()} == named


def test_the_map_says_where_to_start_reading():
    starts = {room: start for room, (_, _, start) in map_of_rooms().items()}
    assert {room: start for room, start in starts.items() if not start.is_file()} == {}
    assert all(room == start.relative_to(SOURCE).parts[0].removesuffix(".py")
               for room, start in starts.items())  # fmt: skip


def test_the_map_says_what_rooms_import():
    grimp = pytest.importorskip("grimp", reason="it comes with the extra 'lint'")
    graph = grimp.build_graph("snellen", cache_dir=None)
    imported = {room: imports_of(graph, room) for room in map_of_rooms()}
    told = {room: may for room, (_, may, _) in map_of_rooms().items()}
    assert told == imported, "an arrow between rooms is drawn in CONTRIBUTING.md, or it goes"


def map_of_rooms() -> dict[str, Room]:
    """Read the table of rooms: floor, what a room may import, file to start reading at."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text.split("<!-- rooms")[1].split("<!-- end of rooms")[0]
    rooms = {}
    for line in table.splitlines():
        if re.match(r"\| \d", line):
            floor, room, _, may, start = (cell.strip() for cell in line.strip("|").split("|"))
            imports = set(re.findall(r"`(\w+)`", may))
            rooms[room.strip("`")] = int(floor), imports, SOURCE / start.strip("`")
    return rooms


def imports_of(graph: "ImportGraph", room: str) -> set[str]:
    """Name the rooms that a room imports, but for those that all may."""
    inside = {f"snellen.{room}"} | graph.find_descendants(f"snellen.{room}")
    modules = {m for one in inside for m in graph.find_modules_directly_imported_by(one)}
    rooms = {module.split(".")[1] for module in modules if "." in module}
    return {name for name in rooms - {room, "errors", "records"} if not name.startswith("_")}


def test_files_are_short():
    lines = {
        str(path.relative_to(SOURCE)): code_lines(path.read_text(encoding="utf-8"))
        for path in MODULES
    }
    assert {name: count for name, count in lines.items() if count > MOST_CODE_LINES} == {}


def test_code_lines_leave_out_what_explains():
    text = (
        '"""Doc.\n\nMore."""\n\n# why\nx = (\n    1,\n)\n\ndef f():\n    """Doc."""\n    return x\n'
    )
    assert code_lines(text) == 5


def test_the_numbers_of_the_house_can_be_counted():
    cheap = [name for name in COUNTS if not name.startswith("files run")]
    found = {name: COUNTS[name](ROOT) for name in cheap}
    assert found["private modules in tests, but for inside.py"][0] == 0
    assert found["modules"][0] == len(MODULES)
    assert all(number > 0 for name, (number, _) in found.items() if name.startswith(("l", "pub")))


def test_private_modules_are_named_in_one_place_for_each_room():
    offenders = private_imports(sorted((ROOT / "tests").rglob("*.py")))
    assert offenders == [], "import them from the inside.py of the tests of their room"


def test_what_stands_beside_the_package_uses_what_is_public():
    folders = {"recipes", "examples", "docs", "benchmarks", "tools"}
    files = [path for path in project_files() if path.relative_to(ROOT).parts[0] in folders]
    offenders = private_imports([path for path in files if path.suffix in (".py", ".md")])
    assert offenders == [], "make public what deserves it, or move it to where it is used"


def test_no_room_for_odds_and_ends():
    forbidden = {"utils", "util", "helpers", "helper", "misc", "common"}
    named = {path: {part.strip("_") for part in path.with_suffix("").parts} for path in MODULES}
    assert [str(path) for path in MODULES if named[path] & forbidden] == []


def test_the_package_says_that_it_is_typed():
    assert resources.files("snellen").joinpath("py.typed").is_file()


def test_the_core_install_is_small(project):
    packages = closure([Requirement(text) for text in project["dependencies"]])
    counted = sorted(name for name in packages if not CUDA.match(name))
    assert len(counted) <= MOST_PACKAGES, f"{len(counted)} packages: {', '.join(counted)}"


def test_nothing_depends_on_pyiqa(project):
    extras = [text for texts in project["optional-dependencies"].values() for text in texts]
    requirements = [Requirement(text) for text in project["dependencies"] + extras]
    names = {canonicalize_name(requirement.name) for requirement in requirements}
    assert "pyiqa" not in names, "its licence forbids commercial use"


def test_one_version_everywhere(project):
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {project['version']}\n" in citation
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]" in changelog or f"## [{project['version']}]" in changelog


def test_files_hold_no_path_of_one_machine_and_no_registry():
    hosts = ("py" + "pi.org", "python" + "hosted.org", "pytorch.org/" + "whl", "ana" + "conda.org")
    registry = re.compile("|".join(map(re.escape, hosts)))
    home = re.compile(r"(?<![\w.{}$/-])/(?:home|root|Users|work)/\w")
    offenders = [
        f"{path.relative_to(ROOT)}: {found.group()}"
        for path in project_files()
        for pattern in (registry, home)
        if (found := pattern.search(path.read_text(encoding="utf-8")))
    ]
    assert offenders == []


def test_tests_cannot_reach_the_network():
    reserved_for_documentation = ("192.0.2.1", 9)
    refused = pytest.raises(RuntimeError, match="must not use the network: connect")
    with socket.socket() as client, refused:
        client.connect(reserved_for_documentation)
    with pytest.raises(RuntimeError, match="must not use the network: look-up"):
        socket.create_connection(("weights.example", 443), timeout=1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()


def test_pairs_to_score_are_what_they_say(distorted_pairs):
    assert len({name for name, _, _ in distorted_pairs}) >= 6
    for name, distorted, reference in distorted_pairs:
        assert distorted.shape == reference.shape, name
        assert distorted.shape[:2] == (1, 3), name
        assert 0 <= distorted.min() < distorted.max() <= 1, name
        assert (distorted - reference).abs().mean() > 0.01, name


def private_imports(files: list[Path]) -> list[str]:
    """List what names a private module of the package, but for the files that are there for it."""
    private = re.compile(r"\bsnellen(\.[a-z]\w*)*\._[a-z]|from snellen(\.\w+)* import .*\b_[a-z]")
    return [
        f"{path.relative_to(ROOT)}: {found.group()}"
        for path in files
        if path.name not in ("inside.py", Path(__file__).name)
        and (found := private.search(path.read_text(encoding="utf-8")))
    ]


def project_files() -> list[Path]:
    names = ("src", "tests", "docs", "examples", "benchmarks", "fuzz", "recipes", "tools", ".ci")
    folders = [ROOT / name for name in names]
    inside = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    files = [*inside, *(path for path in ROOT.iterdir() if path.is_file())]
    text = {".py", ".pyi", ".md", ".toml", ".yaml", ".cff", ".json", ".csv", ""}
    made = {"__pycache__", "_build", "generated", ".git"}  # .git of a worktree is a file
    return sorted(path for path in files if path.suffix in text and not made & set(path.parts))


def closure(requirements: list[Requirement]) -> set[str]:
    """Names of all packages that installing `requirements` brings here."""
    seen: set[tuple[str, str]] = set()
    waiting = [(requirement, "") for requirement in requirements]
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        new = {(name, wanted) for wanted in ("", *requirement.extras)} - seen
        seen |= new
        needed = [Requirement(text) for text in metadata.requires(name) or []] if new else []
        waiting += [(need, wanted) for _, wanted in new for need in needed]
    return {name for name, _ in seen}
