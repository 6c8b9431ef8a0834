#include "metrics/request_trace.h"

namespace howdah::metrics {
namespace {

RequestTracePtr& ofThisThread() {
  thread_local RequestTracePtr request;
  return request;
}

}  // namespace

const RequestTracePtr& currentRequest() { return ofThisThread(); }

RequestScope::RequestScope(RequestTracePtr request) : outer_(std::exchange(ofThisThread(), std::move(request))) {}

RequestScope::~RequestScope() { ofThisThread() = std::move(outer_); }

}  // namespace howdah::metrics
