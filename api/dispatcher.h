// The handler of the API port: takes a request from the HTTP engine through its checks, its codec and its action, and
// answers it. Every failure becomes a response here.
#pragma once

#include "api/http_server.h"
#include "api/options.h"
#include "metrics/recorder.h"
#include "service/queue_service.h"

namespace howdah::api {

// `service` and `recorder` outlive the server and every call they were given.
HttpHandler makeApiHandler(service::QueueService& service, metrics::Recorder& recorder, ApiOptions options);

}  // namespace howdah::api
