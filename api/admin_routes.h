// The admin port: health, readiness, metrics, version, the log's level and the test clock. Never the SQS API, which is
// on a port of its own so that exposing one does not expose the other.
//
// Health is for everybody. With a token, all else asks for it (metrics may be left open). Without one, whoever reaches
// a loopback listener may do everything, and whoever reaches another may only look.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/http_server.h"
#include "api/options.h"

namespace howdah::api {

struct ReadinessCheck {
  std::string name;
  bool ok = false;
  std::string detail;
  // A check that only informs: a database that is away must not make every replica unready at once.
  bool required = true;
};

struct AdminHooks {
  std::function<std::vector<ReadinessCheck>()> readiness;  // at hand; asks nobody
  std::function<std::string()> metrics;                    // Prometheus' text format; at hand
  // Of the queues whose label the whole of the pattern fits; nothing: it is no pattern. At hand.
  std::function<std::optional<std::string>(std::string_view pattern)> queue_metrics;
  std::function<double()> test_clock_offset;          // null: there is no test clock; may block
  std::function<void(double)> set_test_clock_offset;  // seconds; may block
  std::string version_json;
};

// Dropping the handler waits for a test clock hook under way. `names` are those that the API goes by as well. Throws
// std::runtime_error with a sentence if the token's file is of no use.
HttpHandler makeAdminHandler(AdminHooks hooks, AdminOptions options, ApiOptions names);

}  // namespace howdah::api
