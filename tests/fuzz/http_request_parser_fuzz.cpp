// What a connection receives, cut where the first line says: its bytes are the lengths of the pieces, one piece a byte,
// over and over. The parser reads request after request of it, as a connection does.
#include "api/http_request_parser.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "tests/fuzz/fuzzer.h"

namespace howdah::fuzz {
namespace {

using api::HttpRequestParser;
using Progress = HttpRequestParser::Progress;

struct Reading {
  std::vector<api::HttpRequest> requests;
  int refusal = 0;  // status; 0: none
  std::string_view refusal_text;
};

api::HttpLimits limits() {
  api::HttpLimits small;  // so that inputs of a fuzzer's size reach them
  small.header_bytes = 512;
  small.header_count = 16;
  small.body_bytes = 1024;
  return small;
}

void checkRequest(const api::HttpRequest& request) {
  const auto count = [&](std::string_view name) {
    return std::ranges::count_if(request.headers, [&](const auto& header) {
      api::HttpRequest alone;
      alone.headers = {header};
      return alone.header(name).data() != nullptr;
    });
  };
  const auto lengths = count("Content-Length"), encodings = count("Transfer-Encoding"), hosts = count("Host");
  require(lengths + encodings <= 1, "an accepted request has one length at most");
  require(hosts <= 1, "an accepted request has one Host at most");
  require(lengths == 0 || request.header("Content-Length") == std::to_string(request.body.size()) ||
              request.header("Content-Length").starts_with('0'),
          "a body is as long as said");
  require(lengths + encodings == 1 || request.body.empty(), "a body has a length");
  require(request.headers.size() <= limits().header_count, "headers are bounded");
  require(request.body.size() <= limits().body_bytes, "bodies are bounded");
  std::size_t header_bytes = request.method.size() + request.target.size();
  const auto isClean = [](std::string_view text) {
    return std::ranges::none_of(text, [](char c) { return c == '\0' || c == '\r' || c == '\n'; });
  };
  for (const auto& [name, value] : request.headers) {
    header_bytes += name.size() + value.size();
    require(!name.empty() && isClean(name) && isClean(value), "no line is hidden in a header");
    require(name.find_first_of(" \t:") == std::string::npos, "a name ends at its colon");
  }
  require(header_bytes <= limits().header_bytes, "the size of headers is bounded");
  require(isClean(request.target) && request.target.find(' ') == std::string::npos, "no line is hidden in a target");
  require(!request.target.empty() && !request.method.empty(), "a request has a method and a target");
}

// Bytes that were taken must not come again; those that are left come first with the next piece.
Reading read(std::string_view input, std::string_view lengths) {
  Reading reading;
  const api::HttpLimits kept = limits();
  auto parser = std::make_unique<HttpRequestParser>(kept);
  std::string waiting;
  for (std::size_t piece = 0; !input.empty(); ++piece) {
    const std::size_t length =
        lengths.empty() ? input.size() : static_cast<unsigned char>(lengths[piece % lengths.size()]) + std::size_t{1};
    waiting += input.substr(0, length);
    input.remove_prefix(std::min(length, input.size()));
    std::string_view bytes = waiting;
    while (!bytes.empty()) {
      const Progress progress = parser->parse(bytes);
      require(parser->bytesHeld() >= parser->request().body.size(), "what is held is told");
      if (progress == Progress::NeedsMore) break;
      if (progress == Progress::HeadersDone) continue;
      if (progress == Progress::Refused) {
        reading.refusal = parser->refusalStatus();
        reading.refusal_text = parser->refusalText();
        return reading;
      }
      require(!parser->isHttp10() || parser->request().header("Transfer-Encoding").empty(),
              "HTTP/1.0 knows no encoding");
      reading.requests.push_back(std::move(parser->request()));
      parser = std::make_unique<HttpRequestParser>(kept);
    }
    waiting.erase(0, waiting.size() - bytes.size());
    require(waiting.size() <= kept.header_bytes + 256, "what waits for more is bounded");
  }
  return reading;
}

bool isSame(const api::HttpRequest& one, const api::HttpRequest& other) {
  return one.method == other.method && one.target == other.target && one.headers == other.headers &&
         one.body == other.body;
}

void fuzzHttpRequestParser(std::string_view input) {
  const std::string_view lengths = takeLine(input);
  const Reading whole = read(input, {}), cut = read(input, lengths);
  // What is malformed may be seen later in pieces, but nothing of it becomes a request.
  require(std::ranges::equal(whole.requests, cut.requests, isSame), "requests are the same however they are cut");
  for (const auto& request : whole.requests) checkRequest(request);
  for (const Reading* reading : {&whole, &cut}) {
    constexpr int kRefusals[] = {0, 400, 413, 417, 431, 501};
    require(std::ranges::find(kRefusals, reading->refusal) != std::end(kRefusals),
            "a refusal has one of these statuses");
    require((reading->refusal == 0) == reading->refusal_text.empty(), "a refusal says why");
  }
}

}  // namespace
}  // namespace howdah::fuzz

FUZZER(HttpRequestParserKeepsItsRules, "http_request_parser", howdah::fuzz::fuzzHttpRequestParser)
