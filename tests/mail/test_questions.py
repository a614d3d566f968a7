"""Questions and answers are values: a table answers them."""

from mailservices.mail.questions import Addresses, Found, Missing, Mx, Nothing, Ptr, Trouble, Txt


def test_a_question_is_found_in_a_table() -> None:
    answers = {Mx("a.test"): Nothing(), Addresses("a.test"): Found(("192.0.2.1",))}
    assert answers[Mx("a.test")] == Nothing()
    assert Mx("b.test") not in answers
    assert answers[Addresses("a.test")] == Found(("192.0.2.1",))


def test_answers_are_told_apart() -> None:
    assert len({Txt("a.test"), Ptr("192.0.2.1"), Mx("a.test"), Addresses("a.test")}) == 4
    assert len({Nothing(), Missing(), Trouble("x"), Trouble("y"), Found(())}) == 5
