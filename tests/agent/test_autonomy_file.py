"""`.agent/autonomy.toml` as a file: what it may say, and that whatever it says only ever tightens."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.autonomy.force import loosened
from agent.autonomy.form import Asks, parse
from agent.autonomy.patterns import check_pattern, matches, names_branch, schedule_for, valued
from agent.autonomy.versions import Versions
from agent.errors import UsageError
from agent.events import RunStarted
from agent.fold import start
from agent.intake import settings_from
from agent.schedule import as_toml, load_schedule
from agent.settings import Resolved, resolve
from agent.sources import user_file
from policies.autonomy import DEFAULT_SCHEDULE, Confirmation
from policies.vocabulary import ActionClass, Prices

FREE, CONFIRM, MULTI = Confirmation
COMMIT, DRAFT = ActionClass.COMMIT, ActionClass.DRAFT

RULES = b"""
[classes]
publish = "multi-party"
commit = { confirmation = "multi-party", people = 3, notify = ["team@example.org"] }
[[paths]]
match = "auth/**"
confirmation = "multi-party"
people = 4
value = "$100"
notify = true
[[paths]]
match = "*.sql"
confirmation = "confirm"
classes = ["draft"]
value = 5
[[branches]]
match = "release/*"
confirmation = "multi-party"
people = 5
value = 200
"""


@pytest.fixture(autouse=True)
def own_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration folder of the test's own, and no AGENT_* variables."""
    for name in [name for name in os.environ if name.startswith("AGENT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    user_file().parent.mkdir(parents=True)
    return user_file()


def under(base: bytes = b"", tree: bytes = b"", branch: str = "main", **flags: object) -> Resolved:
    """What is in force where the base and the working tree have these files."""
    versions = Versions("base (abc)", parse(base, "BASE"), None, parse(tree, "TREE"), branch)
    return resolve(flags, None, versions)


def test_the_base_tightens_by_class_path_and_branch() -> None:
    found = under(RULES, RULES)
    assert [note for note in found.notes if "value" not in note] == []
    schedule = found.schedule
    assert schedule.scheduled(COMMIT) is MULTI and schedule.readers(MULTI, COMMIT) == 3
    assert schedule.told(COMMIT) == ("team@example.org",)
    assert dict(found.origins)[COMMIT] == "BASE" and dict(found.origins)[DRAFT] == "the shipped schedule"
    login = schedule_for(schedule, ("docs/x.md", "auth/login.py"))
    assert login.readers(login.scheduled(COMMIT), COMMIT) == 4
    assert login.told(COMMIT) == ("team@example.org", "the team")
    assert login.scheduled(DRAFT) is FREE, "a rule by path leaves drafts alone unless it names them"
    assert schedule_for(schedule, ("db/new.sql",)).scheduled(DRAFT) is CONFIRM
    assert schedule_for(schedule, ("docs/x.md",)) == schedule
    release = under(RULES, branch="release/1.2")
    assert release.schedule.readers(MULTI, COMMIT) == 5
    assert dict(release.origins)[COMMIT] == "BASE, branches release/*"


def test_a_repository_lowers_v_and_raises_it_only_by_the_users_word() -> None:
    found = under(RULES, RULES)
    assert found.prices.value == 20 and found.value_source == "the default"
    assert valued(found.prices, found.values, found.value_caps, ("auth/x.py",)).value == 20
    assert valued(found.prices, found.values, found.value_caps, ("db/x.sql",)).value == 5
    assert any("sets a value above yours, $20.00, ignored" in note for note in found.notes)
    release = under(RULES, branch="release/1.2")
    assert release.prices.value == 20
    trusted = under(RULES, branch="release/1.2", trust_repo_config=True)
    assert trusted.prices.value == 200 and trusted.value_source == "BASE, branches release/*"
    assert valued(trusted.prices, trusted.values, trusted.value_caps, ("auth/x.py", "db/x.sql")).value == 100
    assert under(tree=RULES, branch="release/1", trust_repo_config=True).prices.value == 20, "only the base's"
    mine = valued(Prices(20), (("docs/**", 3.0),), (("docs/**", 50.0), ("docs/x", 2.0)), ("docs/x",))
    assert mine.value == 3, "nor over what one's own rule says of a path"
    low = b'[[branches]]\nmatch = "main"\nvalue = 3\n'
    assert under(low).prices.value == 3
    said = under(low, value="$30")
    assert (said.prices.value, said.value_source, said.values) == (30, "--value", ())


@pytest.mark.parametrize("trust", [True, False])
def test_a_run_is_given_all_that_is_in_force(trust: bool) -> None:
    resolved = under(RULES, trust_repo_config=trust)
    given = settings_from(
        resolved, Path("/r"), {}, tests=("auth/test_a.py::t",), junit=(), apply=False, branch="", patch_out=""
    )
    assert given.schedule == resolved.schedule and len(given.schedule.paths) == 2
    state = start(RunStarted(run_id="r", time=0.0, versions={}, policy="marginal", settings=given))
    assert state.prices.value == (100 if trust else 20)
    sql = replace(state, settings=given.model_copy(update={"tests": ("db/a.sql::t",)}))
    assert sql.prices.value == 5


def test_all_of_the_users_own_schedule_counts(own_configuration: Path) -> None:
    own_configuration.write_text('schedule = "mine.toml"\nvalue = "$30"\n')
    text = f"{as_toml(DEFAULT_SCHEDULE, Prices())}\n{RULES[RULES.index(b'[[') :].decode()}"
    (own_configuration.parent / "mine.toml").write_text(text)
    found = resolve({}, None, Versions(branch="release/7"))
    assert found.prices.value == 200 and "mine.toml, branches release/*" in found.value_source
    assert valued(found.prices, found.values, found.value_caps, ("auth/x.py",)).value == 100
    assert schedule_for(found.schedule, ("auth/x.py",)).readers(MULTI, COMMIT) == 5
    printed = as_toml(found.schedule, found.prices)
    (own_configuration.parent / "printed.toml").write_text(printed)
    again = load_schedule(own_configuration.parent / "printed.toml")
    bare = [
        tuple(replace(rule, source="") for rule in (*each.paths, *each.branches))
        for each in (again, found.schedule)
    ]
    assert bare[0] == bare[1] and {rule.match for rule in again.branches} == {"release/*"}
    assert replace(again, paths=(), branches=()) == replace(found.schedule, paths=(), branches=())


def test_what_the_working_tree_loosens_is_ignored_and_said() -> None:
    weaker = RULES.replace(b"people = 4", b"people = 2").replace(b'"release/*"', b'"release/9"')
    weaker = weaker.replace(b'publish = "multi-party"', b'publish = "free"')
    found = under(RULES, weaker)
    assert schedule_for(found.schedule, ("auth/x.py",)).readers(MULTI, COMMIT) == 4
    assert found.schedule.scheduled(ActionClass.PUBLISH) is MULTI
    (note,) = (note for note in found.notes if "asks for less confirmation" in note)
    assert note.endswith("ignored: publish, paths auth/**, branches release/*")
    assert not any("asks for less" in note for note in under(RULES, RULES).notes)
    gone = resolve({}, None, Versions("base (abc)", parse(RULES, "BASE")))
    assert gone.schedule == replace(under(RULES, RULES).schedule)
    assert any("ignored: all of it" in note for note in gone.notes)
    stricter = under(RULES, RULES + b'[[paths]]\nmatch = "x"\nconfirmation = "multi-party"\n')
    assert schedule_for(stricter.schedule, ("x",)).scheduled(COMMIT) is MULTI
    assert not any("asks for less" in note for note in stricter.notes)


def test_the_bases_pyproject_counts_as_well() -> None:
    base = b'[tool.agent]\nbudget = 1\nprotected = ["data/*"]\n[tool.agent.autonomy]\ndraft = "confirm"\n'
    found = resolve({}, b"[tool.agent]\nbudget = 1.5\n", Versions("main (abc)", base_pyproject=base))
    assert found.schedule.scheduled(DRAFT) is CONFIRM
    assert found.limits.dollars == 1.0 and found.protected == ("data/*",)
    assert dict(found.origins)[DRAFT] == "[tool.agent.autonomy] of main (abc)"
    assert found.notes == (
        "the working tree asks for less confirmation than main (abc), ignored: [tool.agent.autonomy] draft",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[classes", "BASE: Expected ']' at the end of a table"),
        ('[classes]\ndrafts = "confirm"', "unknown action class 'drafts'; known: read, draft"),
        ('[classes]\ndraft = "twice"', "classes.draft.confirmation: Input should be 'free', 'confirm' or"),
        ("[classes.draft]\npeople = 3", 'classes.draft: people goes with confirmation = "multi-party"'),
        ('[classes.draft]\nconfirmation = "multi-party"\npeople = 1', "classes.draft.people: "),
        ("[classes.draft]\nseverity = 0", "classes.draft.severity: no such setting"),
        ("[attention]\nconfirm = 0", "attention: no such setting"),
        ('[[paths]]\nconfirmation = "confirm"', "paths.0.match: Field required"),
        ('[[paths]]\nmatch = "!auth/**"', "paths.0.match: a pattern says what matches"),
        ('[[paths]]\nmatch = " a"', "paths.0.match: a pattern has 1 to 200 printable characters"),
        ('[[paths]]\nmatch = "/"', "paths.0.match: it is no pattern as in .gitignore"),
        ('[[paths]]\nmatch = "*a*a*b"', "paths.0.match: a pattern has at most 2 ** and"),
        ('[[paths]]\nmatch = "a"\nvalue = -1', "paths.0.value: '-1' is not an amount of money"),
        ('[[paths]]\nmatch = "a"\nvalue = 1e12', "paths.0.value: "),
        ('[[paths]]\nmatch = "a"\nvalue = nan', "paths.0.value: "),
        (
            '[[paths]]\nmatch = "a"\nclasses = ["transfer"]',
            "unknown action class 'transfer'",
        ),
        ('[[paths]]\nmatch = "a"\nclasses = []', "paths.0.classes: "),
        ('[[paths]]\nmatch = "a"\nnotify = ["\\u202Ex"]', "paths.0.notify.0: a name is one line"),
        ('[[paths]]\nmatch = "a"\n' * 101, "paths: List should have at most 100 items"),
        ("paths = 3", "paths: Input should be a valid list"),
        ("# " + "x" * 70_000, "BASE: it is larger than 64 KB; make it shorter"),
    ],
)
def test_a_file_that_is_not_in_order_is_one_line(text: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(text.encode(), "BASE")
    assert message in str(raised.value) and "\n" not in str(raised.value)
    assert raised.value.exit_code == 2


@pytest.mark.parametrize(
    ("pattern", "path", "meant"),
    [
        ("auth/**", "auth/a/b.py", True),
        ("auth/**", "src/auth/b.py", False),
        ("**/auth/**", "src/auth/b.py", True),
        ("**/auth/**", "auth/b.py", True),
        ("auth/", "src/auth/b.py", True),
        ("*.sql", "a/b.sql", True),
        ("/*.sql", "a/b.sql", False),
        ("auth/*", "authority/x", False),
        ("anything", "x" * 1001, True),
    ],
)
def test_patterns_are_those_of_gitignore(pattern: str, path: str, meant: bool) -> None:
    assert matches(check_pattern(pattern), path) is meant


def test_a_branch_counts_from_its_beginning() -> None:
    assert names_branch("release/*", "release/1") and not names_branch("main", "feature/main")
    assert not names_branch("*", ""), "where nothing says which branch it is, no rule of one counts"


levels = st.sampled_from(["free", "confirm", "multi-party"])
patterns = st.sampled_from(["auth/**", "*.py", "**", "/x", "docs/"])


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A file that says anything."""

    def confirming() -> dict[str, object]:
        level = draw(levels)
        people = {"people": draw(st.integers(2, 6))} if level == "multi-party" and draw(st.booleans()) else {}
        return {"confirmation": level, **people, "notify": draw(st.booleans())}

    def toml(values: dict[str, object]) -> list[str]:
        return [f"{name} = {json.dumps(value)}" for name, value in values.items()]

    lines = []
    for each in draw(st.lists(st.sampled_from([str(cls) for cls in ActionClass]), unique=True, max_size=4)):
        lines += [f"[classes.{each}]", *toml(confirming())]
    for table in draw(st.lists(st.sampled_from(["paths", "branches"]), max_size=4)):
        value = {"value": draw(st.integers(0, 1000))} if draw(st.booleans()) else {}
        lines += [f"[[{table}]]", f"match = {json.dumps(draw(patterns))}", *toml({**confirming(), **value})]
    return "\n".join(lines).encode()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    files(),
    files(),
    st.lists(st.sampled_from(["auth/a.py", "x", "docs/a"]), min_size=1, unique=True).map(tuple),
    st.sampled_from(["main", "x", ""]),
)
def test_nothing_in_a_repository_loosens(
    base: bytes, tree: bytes, paths: tuple[str, ...], branch: str
) -> None:
    alone, of_base, both = (
        under(one, other, branch) for one, other in ((b"", b""), (base, b""), (base, tree))
    )
    for laxer, stricter in ((alone, of_base), (of_base, both)):
        one, other = (schedule_for(each.schedule, paths) for each in (laxer, stricter))
        for each in ActionClass:
            level, tighter = one.scheduled(each), other.scheduled(each)
            assert tighter >= level
            assert other.readers(tighter, each) >= one.readers(level, each)
            assert {*other.told(each)} >= {*one.told(each)}
    assert both.schedule.attention == alone.schedule.attention
    assert both.schedule.risks == alone.schedule.risks
    value = valued(both.prices, both.values, both.value_caps, paths).value
    assert value <= 20 and valued(of_base.prices, of_base.values, of_base.value_caps, paths).value == value, (
        "nor dearer"
    )


def test_a_version_covers_itself() -> None:
    asks: Asks = parse(RULES, "BASE")
    assert loosened(asks, asks) == [] and loosened(asks, None) == ["all of it"]
