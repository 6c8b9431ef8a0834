// Prometheus' text format 0.0.4 into one string, for what prometheus-cpp has no series of: figures at hand, many and of
// the moment. Formats without a stream, which ten thousand queues notice.
#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace howdah::metrics {

class TextWriter {
 public:
  explicit TextWriter(std::string& out) : out_(out) {}

  // What follows are samples of this row of the table.
  void family(std::string_view name);
  // `labels` as in `queue="a"`, escaped already; `suffix` as "_sum".
  void sample(std::string_view labels, double value, std::string_view suffix = "");
  void sample(std::string_view labels, std::integral auto value, std::string_view suffix = "") {
    begin(labels, suffix);
    end(std::to_string(value));
  }

  // `name="value"`, with a comma before if `labels` has something.
  static void appendLabel(std::string& labels, std::string_view name, std::string_view value);

 private:
  void begin(std::string_view labels, std::string_view suffix);
  void end(std::string_view value);

  std::string& out_;
  std::string_view family_;
};

}  // namespace howdah::metrics
