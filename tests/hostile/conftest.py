"""What the hostile tests share with the end-to-end tests is in tests/e2e/howdah.py and signing.py."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))


def pytest_addoption(parser):
    parser.addoption("--deep", action="store_true", help="longer windows, and all of them whatever the first ones show")
