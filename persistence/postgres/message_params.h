// How values of messages are bound, for both kinds of queues.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "persistence/postgres/pg_params.h"
#include "persistence/records.h"

namespace howdah::persistence::postgres {

inline std::optional<std::string_view> nullIfEmpty(std::string_view value) {
  if (value.empty()) return std::nullopt;
  return value;
}

inline std::optional<std::string> ownedOrNull(std::optional<std::string_view> value) {
  if (!value) return std::nullopt;
  return std::string(*value);
}

// p_max_receives, p_source, p_target_account, p_target_name. Keeps views of `redrive`.
inline void addRedrive(Params& params, const std::optional<Redrive>& redrive) {
  if (!redrive) {
    params.int4(std::nullopt).text(std::nullopt).text(std::nullopt).text(std::nullopt);
    return;
  }
  params.int4(redrive->max_receive_count).text(redrive->source);
  params.text(redrive->target.account).text(redrive->target.name);
}

}  // namespace howdah::persistence::postgres
