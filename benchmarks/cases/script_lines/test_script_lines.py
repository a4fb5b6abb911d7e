from script_lines import speeches, word_counts


def test_one_line():
    assert speeches("ANNA: Come in.") == [("ANNA", "Come in.")]


def test_manner():
    assert speeches("OLD MAN (softly): Who?") == [("OLD MAN", "Who?")]


def test_asides():
    script = "ANNA: Come in. (pause) Sit down. (sits)"
    assert speeches(script) == [("ANNA", "Come in. Sit down.")]


def test_speech_goes_on():
    assert speeches("ANNA: Come\n   in, please.") == [("ANNA", "Come in, please.")]


def test_word_counts():
    script = "ANNA: Who (looks) is that (turns) there?\nBEN: Me.\nANNA (glad): You!"
    assert word_counts(script) == {"ANNA": 5, "BEN": 1}


def test_stage_direction_first():
    assert speeches("A dark room.\nBEN: Hello?") == [("BEN", "Hello?")]
