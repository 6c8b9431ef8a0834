#include <algorithm>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include <gtest/gtest.h>

#include "tests/fuzz/fuzzer.h"

namespace howdah::fuzz {

void runCorpus(std::string_view name, Fuzzer fuzzer) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(HOWDAH_FUZZ_CORPUS) / name))
    files.push_back(entry.path());
  ASSERT_FALSE(files.empty());
  std::ranges::sort(files);
  for (const auto& file : files) {
    std::ifstream stream(file, std::ios::binary);
    const std::string input{std::istreambuf_iterator<char>(stream), {}};
    try {
      fuzzer(input);
    } catch (const std::exception& broken) {
      ADD_FAILURE() << file << ": " << broken.what();
    }
  }
}

}  // namespace howdah::fuzz
