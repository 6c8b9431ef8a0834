// Proves the load test of the standard store sharp: each mutant breaks one rule of docs/storage.md in the SQL, and the
// books must show it.
#include <gtest/gtest.h>

#include "persistence/postgres/database.h"
#include "persistence/postgres/postgres_message_store.h"
#include "tests/support/message_load.h"
#include "tests/support/test_database.h"

namespace howdah::testing {
namespace {

using namespace persistence;
using std::chrono::seconds;

struct Mutant {
  const char* name;
  const char* file;
  std::vector<std::pair<const char*, const char*>> edits;
};

const Mutant kMutants[] = {
    {"NoMutant", "send_standard", {}},
    {"ClaimWithoutItsLock",
     "receive_standard",
     {{"PERFORM 1 FROM howdah.claim_lock c WHERE c.queue_id = p_queue_id AND c.lane = v_lane FOR UPDATE;",
       "PERFORM 1;"},
      {"PERFORM 1 FROM howdah.claim_lock c WHERE c.queue_id = p_queue_id AND c.lane = v_lane FOR UPDATE SKIP LOCKED;",
       "PERFORM 1;"}}},
    {"SendWithoutItsLock",
     "send_standard",
     {{"AND s.lane = 1\n                          OFFSET 0 FOR UPDATE", "AND s.lane = 1 OFFSET 0"}}},
    {"SeqFromASequence",
     "send_standard",
     {{"AND s.lane = 1\n                          OFFSET 0 FOR UPDATE", "AND s.lane = 1 OFFSET 0"},
      {"v_tail[u.q] + u.position", "nextval('howdah.aside_seq')"},
      // Commits out of order, which the lock would forbid.
      {"  RETURN QUERY SELECT i, v_tail", "  PERFORM pg_sleep(random() * 0.03);\n  RETURN QUERY SELECT i, v_tail"}}},
    {"TailAndCursorInTwoStatements",
     "send_standard",
     {{"  v_empty boolean[];", "  v_empty boolean[];\n  v_hi bigint[];"},
      {"  v_now := {clock};\n",
       "  v_now := {clock};\n  SELECT array_agg((SELECT x.hi FROM howdah.lane_cursor x WHERE x.queue_id = u.queue_id "
       "AND "
       "x.lane = 1 ORDER BY x.hi DESC LIMIT 1) ORDER BY u.ord) INTO v_hi FROM unnest(p_queue_ids) WITH ORDINALITY "
       "u(queue_id, ord);\n  PERFORM pg_sleep(random() * 0.005);\n"},
      {"(SELECT x.hi FROM howdah.lane_cursor x WHERE x.queue_id = u.queue_id AND x.lane = 1\n                       "
       "ORDER "
       "BY x.hi DESC LIMIT 1) c",
       "(SELECT v_hi[u.ord] AS hi) c"}}},
    {"TailWithoutItsCursor", "send_standard", {{"coalesce(t.seq, c.hi) END", "coalesce(t.seq, 0) END"}}},
    {"NewestCursorDeleted", "receive_standard", {{"AND c.hi = v_hi;", "AND c.hi >= v_hi;"}}},
    {"DeleteOfAnyDelivery", "delete_standard", {{"AND x.receive_count = u.receive_count\n", "\n"}}},
    {"DueRowsWithoutTheirLock",
     "receive_standard",
     {{"ORDER BY d.visible_at LIMIT v_want - v_got FOR UPDATE SKIP LOCKED",
       "ORDER BY d.visible_at LIMIT v_want - v_got"}}},
};

class Mutants : public ::testing::TestWithParam<Mutant> {};

TEST_P(Mutants, IsCaughtByTheBooks) {
  const Mutant& mutant = GetParam();
  std::vector<std::string> texts;
  std::vector<embedded::File> files(embedded::embedded_functions().begin(), embedded::embedded_functions().end());
  texts.reserve(files.size());
  for (embedded::File& file : files) {
    if (file.name != mutant.file) continue;
    std::string& text = texts.emplace_back(file.text);
    for (const auto& [from, to] : mutant.edits) {
      const std::size_t at = text.find(from);
      ASSERT_NE(at, std::string::npos) << "the mutant no longer fits the text: " << from;
      text.replace(at, std::string_view(from).size(), to);
    }
    file.text = text;
  }

  NullRecorder recorder;
  TestDatabase database;
  postgres::PostgresDatabase process(database.options(), recorder);
  process.migrate();
  const QueueRecord queue =
      std::get<QueueStore::Created>(process.queues().createQueue({"000000000000", "q"}, {}, {}, seconds(60))).queue;
  const postgres::InstalledFunctions functions(database.outsider(), false, files);
  postgres::ConnectionPool pool(database.options(), recorder);
  const postgres::TurnFloors no_fifo_queues;
  postgres::PostgresMessageStore store(pool, functions, no_fifo_queues);

  LoadOptions load;
  load.stores = {&store};
  load.queue_id = queue.queue_id;
  load.queue_version = queue.version;
  load.messages = 3000;
  load.stalled_after_s = 15;
  std::vector<std::string> faults = runLoad(load);
  if (mutant.edits.empty()) {
    EXPECT_TRUE(faults.empty()) << faults.front();
  } else {
    // A race may need another try to be hit.
    for (load.seed = 2; faults.empty() && load.seed <= 5; ++load.seed) faults = runLoad(load);
    ASSERT_FALSE(faults.empty());
    std::cout << "caught by: " << faults.front() << "\n";
  }
}

INSTANTIATE_TEST_SUITE_P(Standard, Mutants, ::testing::ValuesIn(kMutants),
                         [](const auto& p) { return std::string(p.param.name); });

}  // namespace
}  // namespace howdah::testing
