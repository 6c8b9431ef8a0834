#include "api/queue_url.h"

#include <gtest/gtest.h>

namespace howdah::api {
namespace {

using service::QueueRef;

TEST(QueueUrl, IsReadByItsLastTwoSegments) {
  struct Case {
    std::string name;
    std::string url;
    QueueRef expected;
  };
  const Case cases[] = {
      {"ours", "http://localhost:9324/000000000000/orders", {"000000000000", "orders"}},
      {"AWS's", "https://sqs.us-east-1.amazonaws.com/123456789012/orders.fifo", {"123456789012", "orders.fifo"}},
      {"older of AWS", "https://queue.amazonaws.com/123456789012/orders", {"123456789012", "orders"}},
      {"IPv6 host", "http://[::1]:9324/1/q", {"1", "q"}},
      {"final slash", "http://h/1/q/", {"1", "q"}},
      {"path before it", "http://h/prefix/us-east-1/1/q", {"1", "q"}},
      {"path alone", "/1/q", {"1", "q"}},
      {"no scheme", "localhost:9324/1/q", {"1", "q"}},
      {"bare name", "orders", {"", "orders"}},
      {"bare FIFO name", "orders.fifo", {"", "orders.fifo"}},
      {"case counts", "http://h/1/Orders", {"1", "Orders"}},
  };
  for (const Case& c : cases) EXPECT_EQ(parseQueueUrl(c.url), c.expected) << c.name;
}

TEST(QueueUrl, WhatCannotBeOneNamesNoQueue) {
  const std::string cases[] = {
      "",
      "/",
      "//",
      "///",
      "http://whatever",
      "http://whatever/",
      "http://whatever/orders",
      "http://",
      "://",
      "/orders",
      "http://h//orders",
      "http://h/1/q//",
      "http://h/1/q?x=y",
      "http://h/1/q#f",
      "http://h/1/q%20",
      "http://h/1/a b",
      "http://h/1 2/q",
      "two words",
      "caf\xc3\xa9",
      std::string("nul\0", 4),
      "http://h/1/" + std::string(129, 'q'),
      std::string(1 << 20, 'q'),
      std::string(1 << 20, '/'),
  };
  for (const std::string& url : cases) EXPECT_EQ(parseQueueUrl(url), QueueRef{}) << url.substr(0, 40);
}

HttpRequest requestTo(std::string host) {
  HttpRequest request;
  if (!host.empty()) request.headers.emplace_back("host", std::move(host));
  return request;
}

TEST(QueueUrl, IsMadeFromTheHostTheClientUsed) {
  EXPECT_EQ(makeQueueUrl(queueUrlBase(requestTo("queues.internal:9324"), {}), {"000000000000", "orders"}),
            "http://queues.internal:9324/000000000000/orders");
  EXPECT_EQ(queueUrlBase(requestTo(""), {}), "http://localhost");
  HttpRequest request = requestTo("h");
  request.secure = true;
  EXPECT_EQ(queueUrlBase(request, {}), "https://h");
}

TEST(QueueUrl, ATrustedProxyTellsSchemeAndHost) {
  ApiOptions options;
  options.trusted_proxies = {*parseNetwork("192.168.0.0/16"), *parseNetwork("10.1.2.3")};
  HttpRequest request = requestTo("h:1");
  request.headers.emplace_back("X-Forwarded-Proto", "https");
  request.headers.emplace_back("X-Forwarded-Host", "sqs.example.com:8443");
  for (const char* trusted : {"192.168.7.8", "10.1.2.3"}) {
    request.peer_address = trusted;
    EXPECT_EQ(queueUrlBase(request, options), "https://sqs.example.com:8443");
    EXPECT_TRUE(isSecure(request, options));
  }
  for (const char* other : {"10.1.2.4", "127.0.0.1", "", "::1"}) {
    request.peer_address = other;
    EXPECT_EQ(queueUrlBase(request, options), "http://h:1");
    EXPECT_FALSE(isSecure(request, options));
  }
  request.peer_address = "10.1.2.3";
  EXPECT_EQ(queueUrlBase(request, {}), "http://h:1") << "by default nobody is trusted";
  request.headers[1].second = "https, http";
  request.headers[2].second = "outer.example , inner.example";
  EXPECT_EQ(queueUrlBase(request, options), "https://outer.example") << "the client's side comes first";
  request.headers[1].second = "gopher";
  request.headers[2].second = "no host";
  EXPECT_EQ(queueUrlBase(request, options), "http://h:1");
  request.secure = true;
  request.headers[1].second = "http";
  EXPECT_EQ(queueUrlBase(request, options), "http://h:1");
}

TEST(QueueUrl, PublicUrlWins) {
  ApiOptions options;
  options.public_url = "https://sqs.example.com";
  EXPECT_EQ(queueUrlBase(requestTo("h:1"), options), "https://sqs.example.com");
  options.public_url = "https://example.com/queues/";
  EXPECT_EQ(queueUrlBase(requestTo("h:1"), options), "https://example.com/queues");
}

TEST(QueueUrl, AHostIsMadeOfHostCharacters) {
  for (const char* host : {"localhost", "localhost:9324", "127.0.0.1:80", "[::1]:9324", "a-b_c.example"})
    EXPECT_TRUE(isValidHost(host)) << host;
  for (const char* host : {"", "a b", "a\"b", "a/b", "user@h", "caf\xc3\xa9", "a\nb"}) EXPECT_FALSE(isValidHost(host));
  EXPECT_FALSE(isValidHost(std::string(300, 'a')));
}

}  // namespace
}  // namespace howdah::api
