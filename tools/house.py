"""Numbers of the house: how much code, how many ways to do one thing, how many names and circles.

    python tools/house.py [CHECKOUT ...]

prints them for this checkout, or side by side for others, such as a worktree of an earlier commit:

    git worktree add /tmp/before COMMIT && python tools/house.py /tmp/before .

It judges nothing; `tests/test_house.py` holds the laws.
"""

import argparse
import ast
import io
import json
import os
import re
import subprocess
import sys
import tokenize
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

RESUMES = {
    "Journal": "finished rows of compare, diagnose and score by descriptors",
    "RowLog": "finished rows of a run",
    "ScoreCache": "scores of bench",
    "Checkpoint": "finished parts of the exam",
    "_is_fresh": "images of distort that are newer than their source",
    "carries_input": "images of distort that say what they were made of",
    "fingerprint": "trainings and comparisons of restorers",
}
"""Classes and functions that say whether an earlier result still holds: a new one is named here."""

METRICS = ("psnr", "lpips-alex")

Found = tuple[int, list[str]]
"""A number, and what was counted."""


def code_lines(text: str) -> int:
    """Count the lines of a module that hold code: neither blank, comment nor docstring."""
    documented: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            continue
        if ast.get_docstring(node) is not None:
            first = node.body[0]
            documented |= set(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    quiet = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in quiet | {tokenize.ENDMARKER}:
            lines |= set(range(token.start[0], token.end[0] + 1))
    return len(lines - documented)


def modules(root: Path) -> dict[str, str]:
    """Return the texts of the package's modules by their paths inside it."""
    package = root / "src" / "snellen"
    return {
        str(path.relative_to(package)): path.read_text(encoding="utf-8")
        for path in sorted(package.rglob("*.py"))
    }


def code(root: Path) -> Found:
    """Count lines of code by room."""
    rooms: dict[str, int] = {}
    for name, text in modules(root).items():
        room = name.split("/")[0].removesuffix(".py")
        rooms[room] = rooms.get(room, 0) + code_lines(text)
    return sum(rooms.values()), [f"{room} {count}" for room, count in rooms.items()]


def files(root: Path) -> Found:
    """Count modules, and name the longest."""
    lengths = {name: code_lines(text) for name, text in modules(root).items()}
    longest = sorted(lengths, key=lambda name: -lengths[name])[:3]
    return len(lengths), [f"{name} {lengths[name]}" for name in longest]


def _definitions(text: str) -> Iterator[tuple[str, ast.AST]]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield node.name, node


def resumes(root: Path) -> Found:
    """Count ways to go on from an earlier result: the definitions named in `RESUMES`."""
    found = [
        f"{name}: {defined} ({RESUMES[defined]})"
        for name, text in modules(root).items()
        for defined, _ in _definitions(text)
        if defined in RESUMES
    ]
    return len(found), found


def _moves_a_file(node: ast.AST) -> bool:
    """Tell whether a node calls os.replace, os.rename, or replace or rename of a path."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    called, module = node.func.attr, node.func.value
    if isinstance(module, ast.Name) and module.id in ("os", "shutil"):
        return called in ("replace", "rename", "move")
    # Of text, `replace` takes two arguments; of dates and rows, keywords.
    return called in ("replace", "rename") and len(node.args) == 1 and not node.keywords


def atomic_writers(root: Path) -> Found:
    """Count functions that put a finished file in the place of another."""
    found = [
        f"{name}: {defined}"
        for name, text in modules(root).items()
        for defined, node in _definitions(text)
        if isinstance(node, ast.FunctionDef) and any(map(_moves_a_file, ast.walk(node)))
    ]
    return len(found), found


_CIRCLES = """
import json, grimp
graph = grimp.build_graph("snellen")
found = []
for package in sorted(graph.modules):
    if len(graph.find_children(package)) > 1:
        for importer, imported in sorted(graph.nominate_cycle_breakers(package)):
            found.append(f"{importer} -> {imported}".replace("snellen.", ""))
print(json.dumps(found))
"""


def circles(root: Path) -> Found:
    """Count imports that would have to go for no circle to be left, by grimp."""
    found: list[str] = _run(root, _CIRCLES)
    return len(found), found


_FILES_OF = """
import json, sys, tempfile, threading, pathlib, torch
from snellen.metrics import create_metric, find_row
name, options = sys.argv[1], {}
if find_row(name).backbone:
    options["weights"] = "random"
    sizes = (64, 192, 384, 256, 256)
    state = {f"lin{i}.model.1.weight": torch.rand(1, c, 1, 1) for i, c in enumerate(sizes)}
    options["head_weights"] = pathlib.Path(tempfile.mkdtemp()) / "head.pth"
    torch.save(state, options["head_weights"])
seen = set()
def note(frame, event, given):
    if event == "call" and frame.f_code.co_name != "<module>":
        seen.add(frame.f_code.co_filename)
sys.setprofile(note)
metric = create_metric(name, **options)
metric(torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64))
sys.setprofile(None)
print(json.dumps(sorted(f.split("/snellen/")[-1] for f in seen if "/src/snellen/" in f)))
"""


def files_of(metric: str) -> Callable[[Path], Found]:
    """Count modules of which a function runs when a metric is made and scores a pair."""

    def count(root: Path) -> Found:
        found: list[str] = _run(root, _FILES_OF, metric)
        return len(found), found

    return count


def _run(root: Path, program: str, *arguments: str) -> list[str]:
    """Run a program against a checkout, in a process of its own, and read what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, "PYTHONPATH": str(root / "src")},
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{root}: {done.stderr}")
    result: list[str] = json.loads(done.stdout.splitlines()[-1])
    return result


def public_names(root: Path) -> Found:
    """Count the names in the `__all__` of every room."""
    rooms = {}
    for name, text in modules(root).items():
        room, _, rest = name.partition("/")
        if rest not in ("", "__init__.py") or (room.startswith("_") and room != "__init__.py"):
            continue
        for node in ast.parse(text).body:
            target = node.targets[0] if isinstance(node, ast.Assign) else None
            if isinstance(target, ast.Name) and target.id == "__all__":
                assert isinstance(node, ast.Assign)
                if isinstance(node.value, ast.List | ast.Tuple):
                    rooms[room] = len(node.value.elts)
    return sum(rooms.values()), [f"{room.removesuffix('.py')} {n}" for room, n in rooms.items()]


_PRIVATE = re.compile(r"^\s*(?:from|import) (snellen[\w.]*)(?: import \(?([^)\n]*))?", re.M)


def private_modules(root: Path, inside: bool) -> Found:
    """Count distinct private modules that tests import, with their inside.py or without."""
    found: set[str] = set()
    for path in sorted((root / "tests").rglob("*.py")):
        if path.name == "inside.py" and not inside:
            continue
        for module, names in _PRIVATE.findall(path.read_text(encoding="utf-8")):
            if "._" in module:
                found.add(module)
            else:
                listed = (name.split()[0] for name in (names or "").split(",") if name.strip())
                found |= {f"{module}.{name}" for name in listed if re.match(r"_[a-z]", name)}
    return len(found), sorted(found)


COUNTS: dict[str, Callable[[Path], Found]] = {
    "lines of code": code,
    "modules": files,
    **{f"files run by {name}": files_of(name) for name in METRICS},
    "ways to resume": resumes,
    "atomic writers": atomic_writers,
    "import circles": circles,
    "public names": public_names,
    "private modules in tests, but for inside.py": lambda root: private_modules(root, False),
    "private modules in tests": lambda root: private_modules(root, True),
}
BRIEF = frozenset({"private modules in tests", *(f"files run by {name}" for name in METRICS)})
"""Counts of which what was counted is shown only when asked for."""


def main() -> None:
    """Print a table, and what was counted."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("checkouts", nargs="*", type=Path, default=[ROOT])
    parser.add_argument("--all", action="store_true", help="list everything that was counted")
    given = parser.parse_args()
    roots = [path.resolve() for path in given.checkouts]
    found = {name: [count(root) for root in roots] for name, count in COUNTS.items()}
    width = max(map(len, found))
    for name, columns in found.items():
        print(f"{name:{width}}", *(f"{number:>8}" for number, _ in columns))
    for name, columns in found.items():
        for root, (number, counted) in zip(roots, columns, strict=True):
            if counted and (given.all or name not in BRIEF):
                print(f"\n{name}, {root.name}: {number}", *counted, sep="\n    ")


if __name__ == "__main__":
    main()
