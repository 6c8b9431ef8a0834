// A fuzzer is one function over bytes, written with FUZZER in <name>_fuzz.cpp and compiled twice: into a libFuzzer
// program (preset fuzz), and into howdah_unit_tests, as a test that runs all of corpus/<name>/ through it.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace howdah::fuzz {

using Fuzzer = void (*)(std::string_view input);

// What must hold for any input. The exception ends a libFuzzer program, which keeps the input, and fails a test.
inline void require(bool holds, const char* rule) {
  if (!holds) throw std::logic_error(rule);
}

// Takes the first line off `input`, without its line feed.
inline std::string_view takeLine(std::string_view& input) {
  const auto end = input.find('\n');
  const std::string_view line = input.substr(0, end);
  input.remove_prefix(end == std::string_view::npos ? input.size() : end + 1);
  return line;
}

// In howdah_unit_tests: runs the files of corpus/<name>/, and fails where there is none or one breaks a rule.
void runCorpus(std::string_view name, Fuzzer fuzzer);

}  // namespace howdah::fuzz

#ifdef HOWDAH_LIBFUZZER
#define FUZZER(test_name, corpus, function)                                            \
  extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) { \
    function({reinterpret_cast<const char*>(data), size});                             \
    return 0;                                                                          \
  }
#else
#include <gtest/gtest.h>
#define FUZZER(test_name, corpus, function) \
  TEST(FuzzCorpus, test_name) { howdah::fuzz::runCorpus(corpus, function); }
#endif
