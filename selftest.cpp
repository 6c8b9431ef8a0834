#include "selftest.h"

#include <chrono>
#include <cstdio>
#include <exception>
#include <functional>
#include <random>
#include <stdexcept>

#include <cpprest/http_client.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/auth/credential_store.h"

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

// The key to sign with; throws std::runtime_error if there is none.
const api::Credential& usableKey(const api::CredentialSet& set, const std::string& path) {
  if (!set.problems.empty()) throw std::runtime_error(fmt::format("{}", fmt::join(set.problems, "; ")));
  const api::Credential* usable = nullptr;
  for (const auto& [id, credential] : set.by_access_key_id) {
    if (credential->disabled) continue;
    if (usable == nullptr || (usable->policy && !credential->policy)) usable = credential.get();
  }
  if (usable == nullptr) throw std::runtime_error(path + " has no key that is enabled");
  return *usable;
}

std::string hostHeader(const web::uri& endpoint) {
  return endpoint.is_port_default() ? endpoint.host() : fmt::format("{}:{}", endpoint.host(), endpoint.port());
}

// Adds what Signature V4 wants of a request that has only its body yet.
void addSignature(web::http::http_request& request, const api::Credential& key, const std::string& host,
                  const std::string& target, const std::string& body) {
  api::SignatureClaim claim;
  claim.access_key_id = key.access_key_id;
  claim.signed_at_text = api::formatAmzDate(std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
  claim.date = claim.signed_at_text.substr(0, 8);
  claim.region = "us-east-1";
  claim.service = "sqs";
  claim.terminator = "aws4_request";
  claim.signed_headers = "content-type;host;x-amz-date;x-amz-target";
  api::HttpHeaders headers{
      {"Content-Type", kContentType}, {"X-Amz-Date", claim.signed_at_text}, {"X-Amz-Target", target}};
  request.headers().add("X-Amz-Date", claim.signed_at_text);
  if (key.session_token) {
    claim.signed_headers = "content-type;host;x-amz-date;x-amz-security-token;x-amz-target";
    headers.emplace_back("X-Amz-Security-Token", key.session_token->reveal());
    request.headers().add("X-Amz-Security-Token", std::string(key.session_token->reveal()));
  }
  const api::SignedParts parts{"POST", "/", "", host, headers, body};
  const std::string signature =
      api::sign(api::signingKey(key.secret_access_key.reveal(), claim),
                api::stringToSign(claim, api::canonicalRequest(claim, parts, api::sha256Hex(body))));
  request.headers().add("Host", host);
  request.headers().add("Authorization",
                        fmt::format("AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}",
                                    claim.access_key_id, claim.scope(), claim.signed_headers, signature));
}

class SelfTest {
 public:
  SelfTest(const std::string& endpoint, const std::string& tls_ca_file, bool is_local, const std::string& credentials)
      : client_(endpoint, clientConfig(tls_ca_file, is_local)), host_(hostHeader(endpoint)) {
    if (credentials.empty()) return;
    keys_ = api::readCredentials(credentials);
    key_ = &usableKey(keys_, credentials);
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
    const std::string target = "AmazonSQS." + action, content = value::object(fields).serialize();
    request.headers().add("X-Amz-Target", target);
    request.set_body(content, kContentType);
    if (key_ != nullptr) addSignature(request, *key_, host_, target, content);
    const auto response = client_.request(request).get();
    const std::string body = response.extract_utf8string(true).get();
    if (response.status_code() != web::http::status_codes::OK)
      throw std::runtime_error(fmt::format("{} answers {}: {}", action, response.status_code(), body.substr(0, 500)));
    return body.empty() ? value::object() : value::parse(body);
  }

  web::http::client::http_client client_;
  const std::string host_;
  api::CredentialSet keys_;
  const api::Credential* key_ = nullptr;  // null: not signed
  std::random_device random_;
  std::string queue_url_;
  std::string message_id_;
  std::string receipt_handle_;
};

}  // namespace

int selftest(const std::string& endpoint, const std::string& tls_ca_file, bool is_local,
             const std::string& credentials) {
  try {
    return SelfTest(endpoint, tls_ca_file, is_local, credentials).run();
  } catch (const std::exception& error) {
    fmt::print(stderr, "howdah: cannot test {}: {}\n", endpoint, error.what());
    return 1;
  }
}

}  // namespace howdah
