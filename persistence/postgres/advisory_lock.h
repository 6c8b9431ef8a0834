// The application's own advisory locks in the same database use whatever keys they like; ours all have this first key.
#pragma once

#include <cstdint>

namespace howdah::persistence::postgres {

inline constexpr std::int32_t kAdvisoryLockSpace = 0x484f5744;  // "HOWD"
inline constexpr std::int32_t kMigrationLock = 0;               // second key; duties have a hash of their name

}  // namespace howdah::persistence::postgres
