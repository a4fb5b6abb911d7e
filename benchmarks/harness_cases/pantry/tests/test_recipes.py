import pytest
from pantry import read_recipe

PANCAKES = """
Pancakes
serves 4
300 g Flour
1 1/2 cup milk
3 eggs
1 lemons (optional)
"""


def test_a_recipe_is_read():
    recipe = read_recipe(PANCAKES)
    assert (recipe.title, recipe.serves) == ("Pancakes", 4)
    assert [each.name for each in recipe.ingredients] == ["flour", "milk", "eggs", "lemons"]
    assert [each.optional for each in recipe.ingredients] == [False, False, False, True]


def test_amounts_grow_with_the_people():
    flour, milk, eggs, _ = read_recipe(PANCAKES).for_people(6).ingredients
    assert (str(flour.quantity), str(milk.quantity), str(eggs.quantity)) == ("450 g", "540 ml", "5")


def test_nobody_cooks_for_nobody():
    with pytest.raises(ValueError, match="one person"):
        read_recipe(PANCAKES).for_people(0)


@pytest.mark.parametrize("text", ["Soup", "Soup\n4 people\n1 l water", "Soup\nserves 4\nwater"])
def test_what_is_no_recipe_is_refused(text):
    with pytest.raises(ValueError, match=r"recipe has|no amount"):
        read_recipe(text)
