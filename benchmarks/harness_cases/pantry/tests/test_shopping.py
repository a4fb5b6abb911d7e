from datetime import date, timedelta

from pantry import Plan, Stock, read_recipe, shopping_list

MONDAY = date(2025, 3, 10)
PANCAKES = read_recipe("Pancakes\nserves 2\n200 g flour\n300 ml milk\n2 eggs\n1 lemons (optional)")
QUICHE = read_recipe("Quiche\nserves 4\n250 g flour\n200 ml cream\n4 eggs\n3 leeks")


def week():
    plan = Plan()
    plan.cook(MONDAY, PANCAKES, 2)
    plan.cook(MONDAY + timedelta(days=2), QUICHE, 4)
    return plan


def test_everything_is_bought_for_an_empty_pantry():
    assert shopping_list(week(), Stock()).lines() == [
        "baking: 450 g flour",
        "dairy: 200 ml cream",
        "dairy: 6 eggs",
        "dairy: 300 ml milk",
        "vegetables: 3 leeks",
    ]


def test_what_is_there_is_used_once():
    stock = Stock()
    stock.add("flour", "300 g")
    stock.add("eggs", "1 dozen")
    assert shopping_list(week(), stock).lines()[:2] == ["baking: 150 g flour", "dairy: 200 ml cream"]


def test_what_has_spoilt_is_bought():
    stock = Stock()
    stock.add("eggs", "6", MONDAY + timedelta(days=1))
    assert "dairy: 4 eggs" in shopping_list(week(), stock).lines()


def test_the_stock_stays_as_it_is():
    stock = Stock()
    stock.add("flour", "300 g")
    shopping_list(week(), stock)
    assert str(stock.good("flour", MONDAY)) == "300 g"


def test_another_kind_cannot_be_used():
    stock = Stock()
    stock.add("flour", "2 cup")
    assert "baking: 450 g flour" in shopping_list(week(), stock).lines()


def test_packs():
    assert shopping_list(week(), Stock()).in_packs() == {"flour": 1, "eggs": 1}


def test_a_moved_meal():
    plan = week()
    plan.move("Pancakes", MONDAY, MONDAY + timedelta(days=4))
    assert plan.summary() == "Wed 12.03. Quiche for 4\nFri 14.03. Pancakes for 2"
