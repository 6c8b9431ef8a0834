# Run at every build: writes the commit into OUTPUT, touching it only when it changed.
cmake_minimum_required(VERSION 3.25)
set(revision "$ENV{HOWDAH_REVISION}")  # where there is no repository, as in an image's build
if(NOT revision)
  execute_process(COMMAND git describe --always --dirty --abbrev=12 WORKING_DIRECTORY ${SOURCE}
    OUTPUT_VARIABLE revision OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(NOT revision)
  set(revision unknown)
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT "#define HOWDAH_REVISION \"@revision@\"\n" @ONLY)
