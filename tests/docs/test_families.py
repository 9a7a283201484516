from tests.support.families.families import FAMILIES
from tests.support.families.page import PAGE, STEPS


def test_families_page_has_every_family_with_its_traits_and_each_step_passed_or_says_why_not():
    lines = [line.strip("| ").split(" | ") for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:1] == "|"]
    assert lines[0][2:] == list(STEPS.values())
    assert [line[:2] for line in lines[2:]] == [[family.name, family.traits] for family in FAMILIES]
    for said in (line[2:] for line in lines[2:]):
        assert len(said) == len(STEPS)
        assert all(one == "passed" or one.startswith(("refused: ", "not served here: ", "not run")) for one in said)
