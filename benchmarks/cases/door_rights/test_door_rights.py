from door_rights import differences, doors, grant, revoke


def test_grant():
    assert grant(0, "gate", "lab") == 5


def test_grant_twice():
    assert grant(grant(0, "lab"), "lab") == 4


def test_revoke():
    assert doors(revoke(grant(0, "gate", "lab"), "gate")) == ["lab"]


def test_revoke_what_was_not_granted():
    assert revoke(1, "roof") == 1


def test_differences():
    before = grant(0, "gate", "store")
    after = grant(0, "gate", "roof")
    assert differences(before, after) == ["-store", "+roof"]
