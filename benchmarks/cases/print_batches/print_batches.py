"""Put print jobs together into batches of one paper size, none of more than so many pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def batches(jobs: Iterable[tuple[str, int]], most: int) -> Iterator[tuple[str, list[int]]]:
    """Jobs are (paper, pages) and keep their order; too long a job is a batch of its own."""
    paper = ""
    batch: list[int] = []
    for size, pages in jobs:
        if batch and (size != paper or sum(batch) + pages > most):
            yield paper, batch
            batch = []
        paper = size
        batch.append(pages)
    if batch:
        yield paper, batch


def changes_of_paper(jobs: Iterable[tuple[str, int]], most: int) -> int:
    papers = [paper for paper, _ in batches(jobs, most)]
    return sum(papers[i] != papers[i - 1] for i in range(1, len(papers)))
