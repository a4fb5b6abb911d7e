"""From a failing test to a prompt, and from a reply to new file contents, in a real sandbox."""

from __future__ import annotations

import pytest

from agent.tiers.applying import edits_of
from agent.tiers.pieces import asked_piece, pieces_of, shown_pieces
from agent.tiers.prompts import Case, Form, act_prompt
from agent.tiers.replies import parse_reply
from policies.context import choose
from sandboxes.docker import DockerSandbox
from sandboxes.interface import REPO
from tools.context import parts_of
from tools.files import FileEdit
from tools.repair.localise import localise, trace_tests
from tools.repository_map import map_repository

OTHERS = "".join(
    f"\n\ndef other_{n}(x):\n    '''Nothing to do with it.'''\n    return x + {n}\n" for n in range(80)
)
FILES = {
    "stock/__init__.py": "",
    "stock/units.py": "BOX = 12\n\n\ndef boxes(pieces):\n    return pieces // BOX\n" + OTHERS,
    "stock/order.py": (
        "from stock.units import BOX, boxes\n\n\nclass Order:\n    def __init__(self, pieces):\n"
        "        self.pieces = pieces\n\n    def needed(self):\n"
        "        '''Boxes that hold all pieces.'''\n        return boxes(self.pieces)\n" + OTHERS
    ),
    "tests/test_order.py": (
        "import pytest\n\nfrom stock.order import Order\n\n\n"
        "@pytest.fixture\ndef order():\n    return Order(13)\n\n\n"
        "def test_needed(order):\n    assert order.needed() == 2\n\n\n"
        "def test_exact():\n    assert Order(24).needed() == 2\n" + OTHERS
    ),
}  # fmt: skip
TARGET = "tests/test_order.py::test_needed"


@pytest.mark.docker
def test_a_prompt_holds_what_the_fix_needs_and_a_reply_makes_it(sandbox: DockerSandbox) -> None:
    base = {path: text.encode() for path, text in FILES.items()}
    for path, data in base.items():
        sandbox.write(f"{REPO}/{path}", data)
    found = localise(
        trace_tests(
            sandbox,
            sandbox.python,
            [TARGET],
            ["tests/test_order.py::test_exact"],
            10.0,
            editable=lambda path: path.startswith("stock/"),
        ),
        [TARGET],
    )
    lines = [(line.path, line.line) for line in found.lines]
    repository = map_repository(sandbox, sandbox.python, [TARGET.split("::")[0]], lines)
    parts = parts_of(repository, [TARGET], lines, [], base.get)
    pieces = choose(pieces_of(parts, base.get), dollars_per_byte=9e-7, value=0.2, window_bytes=100_000)
    case = Case((TARGET,), ("E       assert 1 == 2",), shown_pieces(pieces, base.get))
    prompt = act_prompt(case, Form(max_output=2000))
    told = "\n".join(prompt.stable)
    for needed in (
        "def test_needed(order):", "def order():", "def needed(self):", "def boxes(pieces):", "BOX = 12",
        "from stock.units import BOX, boxes", "self.pieces = pieces",
    ):  # fmt: skip
        assert needed in told
    assert told.count("def other_") == 0
    assert len(told.encode()) < sum(map(len, base.values())) / 8

    asked = asked_piece(parse_reply("ASK file stock/units.py 1-5").asks[0], base.get)
    assert asked is not None
    more = choose([asked], dollars_per_byte=9e-7, value=0.2, window_bytes=100_000, shown=pieces)
    assert more[: len(pieces)] == pieces

    reply = parse_reply(
        "It rounds down.\n\nstock/units.py:4-5 boxes\n```python\n<<<<<<< SEARCH\ndef boxes(pieces):\n"
        "    return pieces // BOX\n=======\ndef boxes(pieces):\n    return -(-pieces // BOX)\n"
        ">>>>>>> REPLACE\n```"
    )
    [changes] = reply.candidates
    wanted = base["stock/units.py"].replace(b"pieces // BOX", b"-(-pieces // BOX)")
    assert edits_of(changes, base.get) == (FileEdit("stock/units.py", wanted),)
