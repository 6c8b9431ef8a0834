# Names only: scripts/bootstrap installs, CMake presets build, the scripts called here do the work.
.DEFAULT_GOAL := help
.PHONY: help run build test lint format bench release test-sanitizers test-deploy check-deep

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

## make run              install what is missing, build, start Howdah in the foreground on ./howdah-data
run:
	@scripts/bootstrap build
	@scripts/build release howdah
	@exec build/release/howdah serve --data-dir ./howdah-data

## make build            build everything in release: build/release/howdah
build:
	@scripts/bootstrap build
	@scripts/build release

## make test             install, build and run every test; ends with "N passed, N failed"
test:
	@scripts/bootstrap build test
	@scripts/build release
	@tests/run release

## make test-sanitizers  the C++ tests under AddressSanitizer, UndefinedBehaviorSanitizer and ThreadSanitizer
test-sanitizers:
	@scripts/bootstrap build
	@scripts/build asan howdah_tests
	@scripts/build tsan howdah_tests
	@tests/run asan tsan

## make test-deploy      the tests of what is deployed: chart, rolling restart, .deb, image, pods; as root
test-deploy:
	@scripts/bootstrap build test package deploy
	@scripts/build release
	@scripts/build release howdah_deb
	@tests/run deploy

## make lint             format, layers and shell scripts; changes nothing
lint:
	@scripts/bootstrap lint
	@scripts/lint

## make format           format every C++ file
format:
	@scripts/bootstrap lint
	@git ls-files -z '*.h' '*.cpp' | xargs -0 clang-format-14 -i

## make bench            measure this machine; bench/README.md tells how to read it
bench:
	@scripts/bootstrap build
	@scripts/build release
	@bench/run

## make release          binary tarball, .deb, image archive, chart and checksums in build/release/dist
release:
	@scripts/bootstrap build test package deploy
	@scripts/build release
	@scripts/release

## make check-deep       what takes longer than a change should wait for: deployment, race and crash tests, fuzzers, clang-tidy
check-deep:
	@scripts/bootstrap build test deep package deploy
	@scripts/sum_counts scripts/build release -- scripts/build release howdah_deb -- scripts/build clang howdah_unit_tests -- \
	  scripts/tidy -- tests/fuzz/run -- tests/run clang deploy deep
