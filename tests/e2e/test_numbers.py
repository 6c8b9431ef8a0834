"""The mistakes that SQS servers make again and again are numbered 1 to 42 (the reference's section 11); a test that would
notice one bears its number: test_11_17_..., or test_11_8_9_... for two. None may be forgotten."""
import re

from howdah import ROOT


def test_every_number_is_borne():
    borne = set()
    for file in (ROOT / "tests").glob("*/test_*.py"):
        for numbers in re.findall(r"^def test_11((?:_\d+)+)_[a-z]", file.read_text(), re.M):
            borne |= {int(number) for number in numbers.strip("_").split("_")}
    assert borne == set(range(1, 43))
