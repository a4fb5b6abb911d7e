"""Where a test is in the map of its repository, by its id, and what belongs to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from tools.repository_map import Place, RepositoryMap

MOST_TESTS = 40
"""Definitions that belong to one test."""


def tests_of(repository: RepositoryMap, target: str) -> Iterator[Place]:
    """The definition of a target, its class's set-up, the fixtures it asks for and the helpers it names."""
    place = test_of(repository, target)
    if place is None:
        return
    path, test = place
    file = repository.files[path]
    owner = test.name.rpartition(".")[0]
    waiting = [(path, test)]
    for name in ("setUp", "setup_method", "setUpClass", "setup_class", "asyncSetUp"):
        if owner and (found := file.by_name.get(f"{owner}.{name}")):
            waiting.append((path, found))
    waiting += [(path, each) for each in file.definitions if each.name in ("setup_module", "setup_function")]
    seen: set[Place] = set()
    while waiting and len(seen) < MOST_TESTS:
        place = waiting.pop(0)
        if place in seen:
            continue
        seen.add(place)
        yield place
        where, each = place
        waiting += [fixture for name in each.arguments if (fixture := _fixture(repository, where, name))]
        for name in (*each.calls, *each.names):
            waiting += [found for found in repository.resolve(where, name, each.name) if found[0] == path]


def test_of(repository: RepositoryMap, target: str) -> Place | None:
    """The definition of a test by its id: file::Class::test[case], file::suite > test, package::Test/case."""
    path, *names = target.split("::")
    name = ".".join(part.rpartition("\\")[2] for part in names).partition("[")[0]
    file = repository.files.get(path)
    if file is not None:
        test = file.by_name.get(name)
        return (path, test) if test else None
    packages = [each for each in sorted(repository.files) if each.endswith("_test.go")]
    for where in sorted(packages, key=lambda each: not path.endswith(str(PurePosixPath(each).parent))):
        if test := repository.files[where].by_name.get(name.partition("/")[0]):
            return (where, test)
    return None


def _fixture(repository: RepositoryMap, path: str, name: str) -> Place | None:
    """A pytest fixture: of the file, else of the nearest conftest.py."""
    folders = [str(folder) for folder in PurePosixPath(path).parents]
    for where in (path, *(f"{folder}/conftest.py".removeprefix("./") for folder in folders)):
        file = repository.files.get(where)
        for each in file.definitions if file else ():
            if each.fixture and each.name.rpartition(".")[2] == name:
                return (where, each)
    return None
