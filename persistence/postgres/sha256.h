// SHA-256 in hexadecimal: tells texts of migrations and functions apart.
#pragma once

#include <string>
#include <string_view>

namespace howdah::persistence::postgres {

std::string sha256Hex(std::string_view text);

}  // namespace howdah::persistence::postgres
