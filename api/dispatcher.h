// The handler of the API port: takes a request from the HTTP engine through its checks, its codec and its action, and
// answers it. Every failure becomes a response here.
#pragma once

#include <memory>

#include "api/auth/authenticator.h"
#include "api/http_server.h"
#include "api/options.h"
#include "metrics/recorder.h"
#include "service/queue_service.h"

namespace howdah::api {

// `service` and `recorder` outlive the server and every call they were given. Without an authenticator anybody may do
// anything, but for web pages in a browser.
HttpHandler makeApiHandler(service::QueueService& service, metrics::Recorder& recorder, ApiOptions options,
                           std::shared_ptr<const Authenticator> authenticator = nullptr);

}  // namespace howdah::api
