"""What the tests share with the end-to-end tests is in tests/e2e/howdah.py."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
