// A queue URL on the first line; then a Host header, and what a trusted proxy says of host and protocol.
#include "api/queue_url.h"

#include "tests/fuzz/fuzzer.h"

namespace howdah::fuzz {
namespace {

void fuzzQueueUrl(std::string_view text) {
  service::QueueRef queue = api::parseQueueUrl(takeLine(text));
  if (queue.name.empty()) return require(queue.account.empty(), "what names no queue names no account");
  if (queue.account.empty()) queue.account = "000000000000";
  const auto isPlain = [](std::string_view part) {
    return part.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == part.npos;
  };
  require(isPlain(queue.account) && isPlain(queue.name), "nothing of a queue's URL needs escaping");

  api::HttpRequest request;
  const std::string_view host = takeLine(text);
  if (!host.empty() && !api::isValidHost(host)) return;
  request.headers = {{"Host", std::string(host)},
                     {"X-Forwarded-Host", std::string(takeLine(text))},
                     {"X-Forwarded-Proto", std::string(takeLine(text))}};
  request.peer_address = "127.0.0.1";
  api::ApiOptions options;
  for (const bool behind_proxy : {false, true}) {
    if (behind_proxy) options.trusted_proxies.push_back(*api::parseNetwork("127.0.0.1"));
    const std::string base = api::queueUrlBase(request, options);
    require(base.starts_with("http://") || base.starts_with("https://"), "a queue's URL is HTTP's");
    const std::string_view address = std::string_view(base).substr(base.find("://") + 3);
    require(api::isValidHost(address), "the host in a queue's URL is one");
    require(api::parseQueueUrl(api::makeQueueUrl(base, queue)) == queue, "the URL made for a queue names that queue");
  }
}

}  // namespace
}  // namespace howdah::fuzz

FUZZER(QueueUrlKeepsItsRules, "queue_url", howdah::fuzz::fuzzQueueUrl)
