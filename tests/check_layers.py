#!/usr/bin/env python3
"""Reads every include and fails on an arrow the other way, or on a library where it must not be seen.

The rules are the two tables below. A line that breaks one is printed with the rule it breaks.
"""
import fnmatch
import re
import subprocess
import sys

# Which of our own files each file may include; the first pattern that fits the file counts.
LAYERS = [
    ("main.cpp", ["*"]),
    ("tests/*", ["*"]),
    ("bench/*", ["bench/*"]),
    ("server_config.*", ["server_config.h", "api/options.h", "api/http_server.h", "service/options.h",
                         "persistence/postgres/options.h", "metrics/log.h"]),
    ("api/*", ["api/*", "service/*", "metrics/recorder.h", "metrics/log.h"]),
    ("service/*", ["service/*", "persistence/*.h", "metrics/recorder.h", "metrics/log.h"]),
    ("persistence/postgres/*", ["persistence/*", "metrics/recorder.h", "metrics/log.h"]),
    ("persistence/*", ["persistence/*.h"]),
    ("metrics/*", ["metrics/*"]),
]
# Never, whatever the rows above say (their "*" also matches folders below).
FORBIDDEN = [
    ("service/*", "persistence/postgres/*"),
    ("persistence/*.h", "persistence/postgres/*"),
    ("metrics/recorder.h", "*"),
    ("metrics/log.h", "*"),
]
# Where a library may be seen; tests and the bench may use what they like.
LIBRARIES = [
    ("boost/*", ["api/http_*"]),
    ("cpprest/*", ["api/http_*"]),
    ("libpq*", ["persistence/postgres/*"]),
    ("postgresql/*", ["persistence/postgres/*"]),
    ("prometheus/*", ["metrics/prometheus_*"]),
    ("spdlog/*", ["metrics/log.cpp"]),
    ("openssl/*", ["api/auth/*", "api/dispatcher.cpp", "api/request_id.cpp", "service/message_digest.cpp",
                   "service/receipt_handle.cpp", "service/message_id.cpp", "persistence/postgres/migrator.cpp"]),
    ("CLI/*", ["server_config.cpp"]),
    ("yaml-cpp/*", ["server_config.cpp"]),
    ("rapidjson/*", ["api/codec/*", "service/redrive_policy.cpp"]),
]
FREE = ("tests/*", "bench/*")


def fits(path, patterns):
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


def broken_rules(path, included, is_ours):
    if is_ours:
        allowed = next((may for who, may in LAYERS if fnmatch.fnmatchcase(path, who)), [])
        if not fits(included, allowed):
            yield "this layer may not see that file"
        for who, what in FORBIDDEN:
            depth_fits = "*.h" not in who or path.count("/") == who.count("/")
            if depth_fits and fits(path, [who]) and fits(included, [what]):
                yield f"{who} never includes {what}"
    elif not fits(path, FREE):
        for library, homes in LIBRARIES:
            if fits(included, [library]) and not fits(path, homes):
                yield f"{library} belongs in {', '.join(homes)}"


def main():
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.h", "*.cpp"],
                            check=True, capture_output=True, text=True).stdout.split()
    ours = set(listed)
    broken = 0
    for path in listed:
        try:
            lines = open(path, encoding="utf-8").read().splitlines()
        except FileNotFoundError:  # removed, not yet committed
            continue
        for number, line in enumerate(lines, 1):
            match = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
            if not match:
                continue
            quoted, included = match[1] == '"', match[2]
            # What CMake generates (embedded_*.h) is included by its bare name, in quotes.
            generated = quoted and included.startswith("embedded_") and included not in ours
            if quoted and included not in ours and not generated:
                print(f"{path}:{number}: \"{included}\" is no file of ours by its path from the root")
                broken += 1
                continue
            for rule in () if generated else broken_rules(path, included, quoted):
                print(f"{path}:{number}: includes {included}: {rule}")
                broken += 1
    if not ours:
        print("no source file found: run this inside the repository")
    return 1 if broken or not ours else 0


if __name__ == "__main__":
    sys.exit(main())
