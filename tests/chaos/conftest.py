"""What the chaos tests share with the end-to-end tests is in tests/e2e/howdah.py."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))


def pytest_addoption(parser):
    parser.addoption("--deep", action="store_true", help="kill a hundred times, not ten; ten rolling restarts, not one")
