// Proves the model test sharp: each mutant breaks one rule of docs/storage.md in the SQL, and the records must show it.
// Takes minutes, so make check-deep runs it. docs/storage.md has the table of what caught which.
#include <gtest/gtest.h>

#include <iostream>

#include "tests/model/model_run.h"
#include "tests/support/mutant.h"

namespace howdah::testing::model {
namespace {

constexpr const char* kLaneLock =
    "PERFORM 1 FROM howdah.claim_lock c WHERE c.queue_id = p_queue_id AND c.lane = v_lane FOR UPDATE";
constexpr const char* kPartitionLock =
    "PERFORM 1 FROM howdah.claim_lock c WHERE c.queue_id = p_queue_id AND c.lane = v_part FOR UPDATE";
constexpr const char* kSendLock = "AND s.lane = 1\n                          OFFSET 0 FOR UPDATE";

const Mutant kMutants[] = {
    {"NoMutant", "send_standard", {}},
    // Standard queues.
    {"CursorReadWithItsLock",
     "receive_standard",
     {{kLaneLock,
       "SELECT (SELECT h.hi FROM howdah.lane_cursor h WHERE h.queue_id = p_queue_id AND h.lane = v_lane ORDER "
       "BY h.hi DESC LIMIT 1) INTO v_hi FROM howdah.claim_lock c WHERE c.queue_id = p_queue_id AND c.lane = "
       "v_lane FOR UPDATE"},
      {"SELECT c.hi INTO v_hi FROM howdah.lane_cursor c WHERE c.queue_id = p_queue_id AND c.lane = v_lane\n         "
       "ORDER "
       "BY c.hi DESC LIMIT 1;",
       ""}}},
    {"SendWithoutItsLock", "send_standard", {{kSendLock, "AND s.lane = 1 OFFSET 0"}}},
    {"SeqFromASequence",
     "send_standard",
     {{kSendLock, "AND s.lane = 1 OFFSET 0"},
      {"v_tail[u.q] + u.position", "nextval('howdah.aside_seq')"},
      {"  RETURN QUERY SELECT i, v_tail", "  PERFORM pg_sleep(random() * 0.03);\n  RETURN QUERY SELECT i, v_tail"}}},
    {"NewestCursorDeleted", "receive_standard", {{"AND c.hi = v_hi;", "AND c.hi >= v_hi;"}}},
    {"DeleteByCtidWithoutItsLock",
     "delete_standard",
     {{"AND x.seq = u.seq OFFSET 0 FOR UPDATE) k;", "AND x.seq = u.seq OFFSET 0) k;"}}},
    {"DeleteOfAnyDelivery", "delete_standard", {{"AND x.receive_count = u.receive_count\n", "\n"}}},
    {"DueRowsWithoutTheirLock",
     "receive_standard",
     {{"ORDER BY d.visible_at LIMIT v_want - v_got FOR UPDATE SKIP LOCKED",
       "ORDER BY d.visible_at LIMIT v_want - v_got"}}},
    // FIFO queues.
    {"RefreshThatLeavesEmptyTurns", "refresh_turns", {{"WHERE t.available_at > p_now),", "WHERE false),"}}},
    {"RefreshWithoutTheSendLock", "refresh_turns", {{"OFFSET 0 FOR UPDATE SKIP LOCKED) l;", "OFFSET 0) l;"}}},
    {"RefreshOfTheWholeRun",
     "refresh_turns",
     {{"g.lane, nextval('howdah.fifo_seq'), g.seq - 1,", "g.lane, nextval('howdah.fifo_seq'), g.seq,"}}},
    {"FifoClaimWithoutItsLock", "receive_fifo", {{kPartitionLock, "PERFORM 1; --"}}},
    {"FifoSendWithoutItsLock", "send_fifo", {{"OFFSET 0 FOR UPDATE) l;", "OFFSET 0) l;"}}},
    {"NoPrefixRule",
     "receive_fifo",
     {{"OVER (PARTITION BY g.o ORDER BY m.seq) AS free", "OVER (PARTITION BY g.o, m.seq) AS free"}}},
    {"FifoDeleteByAnExpiredHandle", "delete_fifo", {{"AND x.visible_at > v_now OFFSET 0", "OFFSET 0"}}},
    {"FifoDeleteByAnOldHandle", "delete_fifo", {{"AND x.receive_count = u.receive_count", ""}}},
    {"DeduplicationRenewedByDuplicates", "send_fifo", {{"WHERE d.expires_at <= v_now\n", "WHERE true\n"}}},
    // Dead letters and move tasks.
    {"DeadLetterOnReachingTheLimit",
     "receive_fifo",
     {{"(d.receive_count - d.count_at_move >= v_max)", "(d.receive_count - d.count_at_move >= v_max - 1)"}}},
    {"DeadLetterKeepsItsCountForTheTargetsPolicy",
     "move_dead_letters",
     {{"d.receive_count, d.receive_count, p_now FROM dead d)", "d.receive_count, 0, p_now FROM dead d)"}}},
    {"FifoDeadLettersInReverse",
     "move_fifo_dead_letters",
     {{"FROM unnest(p_lanes, p_seqs) WITH ORDINALITY u(lane, seq, ord)",
       "FROM (SELECT * FROM unnest(p_lanes, p_seqs) WITH ORDINALITY x(lane, seq, ord) ORDER BY x.ord DESC) u"}}},
    {"MoveTaskKeepsTheMessageId", "move_standard_messages", {{"gen_random_uuid()", "m.message_id"}}},
    {"MoveTaskKeepsTheFifoMessageId", "move_fifo_messages", {{"gen_random_uuid()", "m.message_id"}}},
    {"MoveTaskLosesWhatItMoves",
     "move_standard_messages",
     {{"WHERE x.fate = 'moves') u", "WHERE x.fate = 'moves' AND x.ord > 1) u"}}},
    {"MoveTaskTakesWhatIsInFlight",
     "move_standard_messages",
     {{"> (p_lane, p_seq) AND d.visible_at <= v_now",
       "> (p_lane, p_seq) AND d.visible_at <= v_now + interval '20 s'"}}},
    {"AnAttemptIsRepeatedAfterAVisibilityChange", "receive_attempt_fifo", {{"AND x.changed_at IS NULL", ""}}},
    {"AnAttemptIsNotRepeated", "receive_attempt_fifo", {{"v_attempt.expires_at <= v_now", "true"}}},
    {"ADeduplicationWindowOfFourMinutes", "send_fifo", {{"interval '5 minutes'", "interval '4 minutes'"}}},
};

class ModelMutants : public ::testing::TestWithParam<Mutant> {};

TEST_P(ModelMutants, IsCaughtByTheModelTest) {
  TestDatabase database;
  ModelRun run(database);
  run.shrinks = false;
  ASSERT_TRUE(install(GetParam(), database, true)) << "the mutant no longer fits the text";
  std::string wrong;
  std::uint64_t seed = 0;
  while (wrong.empty() && seed < 8) wrong = run.judged(++seed, 10'000);
  if (GetParam().edits.empty()) {
    EXPECT_EQ(wrong, "");
  } else {
    ASSERT_NE(wrong, "");
    std::cout << wrong.substr(0, wrong.find('\n', wrong.find('\n') + 1)) << "\n";
  }
}

INSTANTIATE_TEST_SUITE_P(Storage, ModelMutants, ::testing::ValuesIn(kMutants),
                         [](const auto& p) { return std::string(p.param.name); });

}  // namespace
}  // namespace howdah::testing::model
