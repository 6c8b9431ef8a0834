// An explicit transaction on a connection: rolled back unless committed. For work that takes several statements; a
// single statement or function is a transaction by itself.
#pragma once

#include "persistence/postgres/connection.h"

namespace howdah::persistence::postgres {

class Transaction {
 public:
  explicit Transaction(Connection& connection);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  // Throws StoreOutcomeUnknown if the answer is lost.
  void commit();

 private:
  Connection& connection_;
  bool ended_ = false;
};

}  // namespace howdah::persistence::postgres
