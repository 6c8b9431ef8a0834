// The NextToken of ListQueues: where the next page starts, and the prefix it belongs to. ListDeadLetterSourceQueues has
// the same token, with a prefix that no client can give.
#pragma once

#include <string>

#include "service/result.h"

namespace howdah::service {

std::string makeListQueuesToken(const std::string& queue_name_prefix, const std::string& last_queue_name);

// The last queue name of the page before, or why the token is refused.
Result<std::string> readListQueuesToken(const std::string& queue_name_prefix, const std::string& token);

}  // namespace howdah::service
