from print_batches import batches, changes_of_paper


def test_nothing():
    assert list(batches([], 10)) == []


def test_one_batch():
    assert list(batches([("A4", 3), ("A4", 7)], 10)) == [("A4", [3, 7])]


def test_full_batch():
    assert list(batches([("A4", 3), ("A4", 8), ("A4", 2)], 10)) == [("A4", [3]), ("A4", [8, 2])]


def test_other_paper():
    jobs = [("A4", 3), ("A3", 1), ("A4", 2)]
    assert list(batches(jobs, 10)) == [("A4", [3]), ("A3", [1]), ("A4", [2])]


def test_long_job():
    assert list(batches([("A4", 1), ("A4", 50), ("A4", 1)], 10)) == [("A4", [1]), ("A4", [50]), ("A4", [1])]


def test_changes():
    assert changes_of_paper([("A4", 3), ("A4", 9), ("A3", 1), ("A4", 2)], 10) == 2
    assert changes_of_paper([], 10) == 0
