from owner_chain import concerns, final_owner, steps_to_top

OWNERS = {"Bakery": "Foods", "Foods": "Holding", "Mill": "Foods", "Press": "Paper"}


def test_chain():
    assert final_owner("Bakery", OWNERS) == "Holding"
    assert final_owner("Press", OWNERS) == "Paper"


def test_steps():
    assert steps_to_top("Bakery", OWNERS) == 2
    assert steps_to_top("Mill", {"Mill": "Foods"}) == 1


def test_top():
    assert final_owner("Paper", OWNERS) == "Paper"
    assert steps_to_top("Holding", OWNERS) == 0


def test_concerns():
    assert concerns(OWNERS) == {"Holding": ["Bakery", "Foods", "Mill"], "Paper": ["Press"]}
