// Requests that a web page made a browser send, and host names that somebody else's DNS has pointed at this machine:
// both ports refuse them where nothing else would tell them from an owner's.
#pragma once

#include "api/http_message.h"
#include "api/options.h"

namespace howdah::api {

// A reason to refuse the request, or null. A page cannot leave these headers out, so clients that are no browsers are
// not asked for them. `loopback_only`: of the listeners of the port that the request came to. `page_may_call`: its
// Origin is one that the settings allow.
const char* crossSite(const HttpRequest& request, const ApiOptions& options, bool loopback_only, bool page_may_call);

}  // namespace howdah::api
