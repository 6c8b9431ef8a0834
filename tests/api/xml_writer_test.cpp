#include "api/codec/xml_writer.h"

#include <gtest/gtest.h>

namespace howdah::api {
namespace {

using namespace std::string_literals;

std::string text(std::string_view value) {
  XmlWriter xml;
  xml.text("t", value);
  std::string whole = xml.take();
  const std::string before = "<?xml version=\"1.0\"?><t>", after = "</t>";
  EXPECT_TRUE(whole.starts_with(before) && whole.ends_with(after)) << whole;
  return whole.substr(before.size(), whole.size() - before.size() - after.size());
}

TEST(XmlWriter, ElementsNestWithoutSpaceBetween) {
  XmlWriter xml;
  xml.open("a", "urn:x");
  xml.open("b");
  xml.text("c", "1");
  xml.close("b");
  xml.empty("d");
  xml.close("a");
  EXPECT_EQ(xml.take(), "<?xml version=\"1.0\"?><a xmlns=\"urn:x\"><b><c>1</c></b><d/></a>");
}

TEST(XmlWriter, WhatAParserWouldReadOtherwiseIsEscaped) {
  EXPECT_EQ(text("<a href=\"x\">&amp; ' ]]></a>"), "&lt;a href=\"x\"&gt;&amp;amp; ' ]]&gt;&lt;/a&gt;");
  EXPECT_EQ(text("a\r\nb\rc\n\td"), "a&#13;\nb&#13;c\n\td");
  EXPECT_EQ(text(""), "");
  EXPECT_EQ(text("&"), "&amp;");
}

TEST(XmlWriter, OtherCharactersStayAsTheyAre) {
  for (const char* plain : {"caf\xc3\xa9 \xf0\x9f\x98\x80", "\xc2\x85\xe2\x80\xa8", "\xef\xbf\xbd", "\xef\xbb\xbf",
                            "\xee\x80\x80", "\xf4\x8f\xbf\xbf", "\x7f"})
    EXPECT_EQ(text(plain), plain);
}

TEST(XmlWriter, WhatXmlCannotCarryIsReplaced) {
  EXPECT_EQ(text("a\0b\x1b"s + "c"),
            "a\xef\xbf\xbd"
            "b\xef\xbf\xbd"
            "c");
  EXPECT_EQ(text("\xef\xbf\xbe|\xef\xbf\xbf"), "\xef\xbf\xbd|\xef\xbf\xbd");
  EXPECT_EQ(text("\xef"), "\xef") << "cut off";
}

}  // namespace
}  // namespace howdah::api
