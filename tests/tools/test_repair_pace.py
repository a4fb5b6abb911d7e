"""What a trial is said to cost."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tools.inside.repair import screen


@pytest.mark.parametrize(
    ("passes", "tried", "pace"), [(False, 0.02, 0.02), (False, 0.0, 0.7), (True, 0.0, 0.0)]
)
def test_where_there_was_no_time_for_one_it_takes_what_the_original_took(
    passes: bool, tried: float, pace: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the time of all the preparations: that made a search on a busy machine look too dear to begin."""
    monkeypatch.setattr(screen, "Slice", lambda _: SimpleNamespace(tried=lambda *_: tried))
    sent = list[dict[str, Any]]()
    search = screen.Search.__new__(screen.Search)
    search.passes, search.first_seconds = passes, 0.7
    search.space = SimpleNamespace(candidates={0: None})  # type: ignore[assignment]
    search.reporter = SimpleNamespace(send=lambda _, **told: sent.append(told))  # type: ignore[assignment]
    search.prepare()
    assert sent == [{"count": 1, "seconds_per_candidate": pace, "passes": passes}]
