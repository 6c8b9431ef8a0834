#include "api/codec/xml_writer.h"

namespace howdah::api {

XmlWriter::XmlWriter() : xml_("<?xml version=\"1.0\"?>") {}

void XmlWriter::open(std::string_view name) { xml_.append("<").append(name).append(">"); }

void XmlWriter::open(std::string_view name, std::string_view xml_namespace) {
  xml_.append("<").append(name).append(" xmlns=\"").append(xml_namespace).append("\">");
}

void XmlWriter::close(std::string_view name) { xml_.append("</").append(name).append(">"); }

void XmlWriter::empty(std::string_view name) { xml_.append("<").append(name).append("/>"); }

void XmlWriter::text(std::string_view name, std::string_view text) {
  open(name);
  escape(text);
  close(name);
}

void XmlWriter::escape(std::string_view text) {
  constexpr std::string_view kReplacement = "\xef\xbf\xbd";
  std::size_t plain = 0;  // from here to i, nothing needs a change
  const auto replace = [&](std::size_t at, std::size_t size, std::string_view by) {
    xml_.append(text.substr(plain, at - plain)).append(by);
    plain = at + size;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c > '>' && c != 0xef) continue;
    if (c == '&') {
      replace(i, 1, "&amp;");
    } else if (c == '<') {
      replace(i, 1, "&lt;");
    } else if (c == '>') {
      replace(i, 1, "&gt;");
    } else if (c == '\r') {
      replace(i, 1, "&#13;");
    } else if (c < ' ' && c != '\t' && c != '\n') {
      replace(i, 1, kReplacement);
    } else if (text.substr(i, 3) == "\xef\xbf\xbe" || text.substr(i, 3) == "\xef\xbf\xbf") {  // U+FFFE, U+FFFF
      replace(i, 3, kReplacement);
    }
  }
  xml_.append(text.substr(plain));
}

}  // namespace howdah::api
