#!/usr/bin/env python3
"""Adds the requests of tests/golden to the corpora of the codecs' fuzzers, one of each action and error:
seeds_from_golden.py; then tests/fuzz/run --minimise leaves those that reach something of their own."""
import pathlib
import re

TESTS = pathlib.Path(__file__).resolve().parent.parent
REQUEST = re.compile(rb"=== request\r?\n(\S+) (\S+) [^\n]*\n(.*?)\n\r?\n(.*?)\n=== answer", re.DOTALL)


def main():
    for file in sorted((TESTS / "golden").glob("*/*.http")):
        case, protocol = file.name.split(".")[:2]
        corpus = TESTS / "fuzz" / "corpus" / f"aws_{protocol}_codec"
        corpus.mkdir(parents=True, exist_ok=True)
        for number, (_, target, _, body) in enumerate(REQUEST.findall(file.read_bytes())):
            body = re.sub(rb"\{(\w)\*\d+\}", rb"\1", body.replace(b"{queue}", b"q").replace(b"{handle}", b"h"))
            first = file.parent.name.encode() if protocol == "json" else target
            seed = corpus / f"{file.parent.name}-{case}{f'-{number + 1}' if number else ''}"
            seed.write_bytes(first + b"\n" + body)


if __name__ == "__main__":
    main()
