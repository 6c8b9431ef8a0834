#include "metrics/text_writer.h"

#include <iterator>

#include <fmt/format.h>

#include "metrics/metric_table.h"

namespace howdah::metrics {

void TextWriter::family(std::string_view name) {
  const MetricRow& row = metricRow(name);
  family_ = row.name;
  fmt::format_to(std::back_inserter(out_), "# HELP {} {}\n# TYPE {} {}\n", row.name, row.help, row.name,
                 typeName(row.type));
}

void TextWriter::sample(std::string_view labels, double value, std::string_view suffix) {
  begin(labels, suffix);
  fmt::format_to(std::back_inserter(out_), "{}\n", value);
}

void TextWriter::begin(std::string_view labels, std::string_view suffix) {
  out_ += family_;
  out_ += suffix;
  if (!labels.empty()) {
    out_ += '{';
    out_ += labels;
    out_ += '}';
  }
  out_ += ' ';
}

void TextWriter::end(std::string_view value) {
  out_ += value;
  out_ += '\n';
}

void TextWriter::appendLabel(std::string& labels, std::string_view name, std::string_view value) {
  if (!labels.empty()) labels += ',';
  labels += name;
  labels += "=\"";
  for (const char c : value) {
    if (c == '\n') {
      labels += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') labels += '\\';
    labels += c;
  }
  labels += '"';
}

}  // namespace howdah::metrics
