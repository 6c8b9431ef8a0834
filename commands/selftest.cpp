#include "commands/selftest.h"

#include <chrono>
#include <cstdio>
#include <exception>
#include <functional>
#include <optional>
#include <random>
#include <stdexcept>

#include <cpprest/http_client.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/auth/credential_store.h"
#include "api/auth/request_signer.h"

namespace howdah {
namespace {

using web::json::value;

constexpr std::chrono::seconds kTimeout{15};  // of one request
constexpr int kWaitSeconds = 5;
constexpr const char* kContentType = "application/x-amz-json-1.0";
constexpr const char* kBody = "Howdah self-test: \u00e4\u20ac\U0001f418 <&>\"";

web::http::client::http_client_config clientConfig(const std::string& tls_ca_file, bool is_local) {
  web::http::client::http_client_config config;
  config.set_timeout(kTimeout);
  config.set_validate_certificates(!is_local || !tls_ca_file.empty());
  if (!tls_ca_file.empty())
    config.set_ssl_context_callback([tls_ca_file](auto& context) { context.load_verify_file(tls_ca_file); });
  return config;
}

// As the client writes it. It checks an https certificate against a Host that it is given, port and all.
std::string hostHeader(const web::uri& endpoint) {
  return endpoint.is_port_default() ? endpoint.host() : fmt::format("{}:{}", endpoint.host(), endpoint.port());
}

class SelfTest {
 public:
  SelfTest(const std::string& endpoint, const std::string& tls_ca_file, bool is_local, const SelfTestKey& key)
      : client_(endpoint, clientConfig(tls_ca_file, is_local)), host_(hostHeader(endpoint)) {
    if (!key.access_key_id.empty())
      signer_.emplace(key.access_key_id, api::Secret(key.secret_access_key), key.session_token);
  }

  int run() {
    const std::string name = fmt::format("howdah-selftest-{:08x}{:08x}", random_(), random_());
    const bool created = step("create queue", [&] {
      queue_url_ = call("CreateQueue", {{"QueueName", value(name)}}).at("QueueUrl").as_string();
      return queue_url_;
    });
    if (!created) return 1;
    const bool works = step("send", [this] { return send(); }) && step("receive", [this] { return receive(); }) &&
                       step("delete", [this] {
                         call("DeleteMessage", {queueUrl(), {"ReceiptHandle", value(receipt_handle_)}});
                         return std::string();
                       });
    const bool removed = step("clean up", [this] {
      call("DeleteQueue", {queueUrl()});
      return std::string();
    });
    return works && removed ? 0 : 1;
  }

 private:
  using Fields = std::vector<std::pair<std::string, value>>;

  std::pair<std::string, value> queueUrl() const { return {"QueueUrl", value(queue_url_)}; }

  std::string send() {
    message_id_ = call("SendMessage", {queueUrl(), {"MessageBody", value(kBody)}}).at("MessageId").as_string();
    return message_id_;
  }

  std::string receive() {
    const value answer = call("ReceiveMessage", {queueUrl(), {"WaitTimeSeconds", value(kWaitSeconds)}});
    if (!answer.has_field("Messages")) throw std::runtime_error(fmt::format("no message within {} s", kWaitSeconds));
    const value& message = answer.at("Messages").at(0);
    if (message.at("MessageId").as_string() != message_id_) throw std::runtime_error("another message came");
    if (message.at("Body").as_string() != kBody) throw std::runtime_error("the body is not what was sent");
    receipt_handle_ = message.at("ReceiptHandle").as_string();
    return {};
  }

  // Does `work` and prints how long it took, and what it answered.
  bool step(const char* name, const std::function<std::string()>& work) {
    const auto began = std::chrono::steady_clock::now();
    std::string told;
    bool ok = true;
    try {
      told = work();
    } catch (const std::exception& error) {
      ok = false;
      told = fmt::format("FAILED: {}", error.what());
    }
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - began;
    fmt::print(ok ? stdout : stderr, "{:12} {:8.1f} ms{}{}\n", name, took.count(), told.empty() ? "" : "  ", told);
    return ok;
  }

  value call(const std::string& action, const Fields& fields) {
    web::http::http_request request(web::http::methods::POST);
    const std::string content = value::object(fields).serialize();
    request.set_body(content, kContentType);
    if (signer_) {
      for (const auto& [header, text] : signer_->headersOf(host_, action, content)) request.headers()[header] = text;
    } else {
      request.headers().add("X-Amz-Target", "AmazonSQS." + action);
    }
    const auto response = client_.request(request).get();
    const std::string body = response.extract_utf8string(true).get();
    if (response.status_code() == web::http::status_codes::Forbidden && !signer_)
      throw std::runtime_error(
          fmt::format("{} is refused to who signs nothing; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give "
                      "--credentials FILE",
                      action));
    if (response.status_code() != web::http::status_codes::OK)
      throw std::runtime_error(fmt::format("{} answers {}: {}", action, response.status_code(), body.substr(0, 500)));
    return body.empty() ? value::object() : value::parse(body);
  }

  web::http::client::http_client client_;
  const std::string host_;
  std::optional<api::RequestSigner> signer_;  // if there is a key
  std::random_device random_;
  std::string queue_url_;
  std::string message_id_;
  std::string receipt_handle_;
};

}  // namespace

SelfTestKey readSelfTestKey(const std::string& credentials, const std::string& access_key_id) {
  const api::CredentialSet set = api::readCredentials(credentials);
  if (!set.problems.empty()) throw std::runtime_error(fmt::format("{}", fmt::join(set.problems, "; ")));
  const api::Credential* key = set.find(access_key_id);
  if (key == nullptr && !access_key_id.empty())
    throw std::runtime_error(fmt::format("{} has no access key {}", credentials, access_key_id));
  for (const auto& [id, credential] : set.by_access_key_id) {
    if (!access_key_id.empty() || credential->disabled) continue;
    if (key == nullptr || (key->policy && !credential->policy)) key = credential.get();
  }
  if (key == nullptr) throw std::runtime_error(credentials + " has no key that is enabled");
  return {key->access_key_id, std::string(key->secret_access_key.reveal()),
          std::string(key->session_token ? key->session_token->reveal() : "")};
}

int selftest(const std::string& endpoint, const std::string& tls_ca_file, bool is_local, const SelfTestKey& key) {
  try {
    return SelfTest(endpoint, tls_ca_file, is_local, key).run();
  } catch (const std::exception& error) {
    fmt::print(stderr, "howdah: {} is no endpoint to test: {}\n", endpoint, error.what());
    return 1;
  }
}

}  // namespace howdah
