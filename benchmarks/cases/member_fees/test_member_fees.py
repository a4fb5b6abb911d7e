from member_fees import Member, fee, income, read

TEXT = """# name; born; joined
Ada; 1980; 2001
Noor; 2012; 2020   # junior

Tom; 1990; 2019
"""


def test_read():
    assert read(TEXT)[0] == Member("Ada", 1980, 2001)
    assert [member.name for member in read(TEXT)] == ["Ada", "Noor", "Tom"]


def test_full_fee():
    assert [fee(member, 2024) for member in read("Tom; 1990; 2019")] == [96]


def test_junior():
    [noor] = read("Noor; 2012; 2020")
    assert fee(noor, 2024) == 48
    assert fee(noor, 2030) == 87


def test_long_membership():
    [ada] = read("Ada; 1980; 2001")
    assert fee(ada, 2010) == 96
    assert fee(ada, 2011) == 87


def test_income():
    assert income(TEXT, 2024) == 87 + 48 + 96
