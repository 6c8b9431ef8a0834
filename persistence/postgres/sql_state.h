// What a failed statement means to the store's callers, by its SQLSTATE.
#pragma once

#include <string>
#include <string_view>

namespace howdah::persistence::postgres {

// Whether the transaction may have committed although the statement has no answer.
enum class IfLost { NothingHappened, MayHaveCommitted };

// Throws the StoreError for `sql_state` (five characters; empty when the connection was lost and the server said
// nothing). `what` goes on in the exception's text.
[[noreturn]] void throwStoreError(std::string_view sql_state, const std::string& what, IfLost if_lost);

}  // namespace howdah::persistence::postgres
