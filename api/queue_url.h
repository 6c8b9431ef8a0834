// Queue URLs made and read: <base>/<account>/<name>. Only the path counts when one is read, so a queue is found under
// whatever host name the client knows the server by.
#pragma once

#include <string>
#include <string_view>

#include "api/http_message.h"
#include "api/options.h"
#include "service/operations.h"

namespace howdah::api {

// The client's connection was TLS: this one, or as a trusted proxy says.
bool isSecure(const HttpRequest& request, const ApiOptions& options);

// The host, with its port, that the client used: of the Host header, or as a trusted proxy says. May be empty.
std::string_view clientHost(const HttpRequest& request, const ApiOptions& options);

// What comes before the path in the URLs a response carries: the public URL if there is one, else the scheme and host
// that the client used, as the request or a trusted proxy says. REQUIRES: the Host header is empty or isValidHost.
std::string queueUrlBase(const HttpRequest& request, const ApiOptions& options);

std::string makeQueueUrl(std::string_view base, const service::QueueRef& queue);

// Reads a QueueUrl, the path of a request, or a bare queue name. What cannot be the URL of a queue has an empty name,
// which no queue has.
service::QueueRef parseQueueUrl(std::string_view url);

// A host name or address with an optional port, made of nothing that would need escaping anywhere.
bool isValidHost(std::string_view host);

}  // namespace howdah::api
