// XML elements one after another into a string; nothing of SQS. Attributes other than the root's namespace are not
// needed.
#pragma once

#include <string>
#include <string_view>

namespace howdah::api {

class XmlWriter {
 public:
  XmlWriter();

  void open(std::string_view name);
  void open(std::string_view name, std::string_view xml_namespace);
  void close(std::string_view name);
  void empty(std::string_view name);
  // `text` is UTF-8. A carriage return is written as a reference, since a parser turns a bare one into a line feed; a
  // character that XML cannot carry as U+FFFD.
  void text(std::string_view name, std::string_view text);

  std::string take() { return std::move(xml_); }

 private:
  void escape(std::string_view text);

  std::string xml_;
};

}  // namespace howdah::api
