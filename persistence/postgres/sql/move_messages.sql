-- One batch of a message move task, which may be its last.
-- Parameters: p_rows and p_bytes: what it may hold; p_default_retention in seconds, where the source sets none;
-- p_longest_task in seconds.
-- Answers how many messages were moved, whether the task is over, and the queue_ids that have something new.
-- Locks: the task's row (if another process has it, nothing is done), which is what a cancel waits for; then as
-- move_standard_messages and move_fifo_messages.
CREATE FUNCTION howdah.{name}(
  p_task_id uuid, p_rows int, p_bytes bigint, p_default_retention bigint, p_longest_task bigint,
  OUT moved bigint, OUT ended boolean, OUT targets bigint[])
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
  v_now timestamptz;
  v_task howdah.move_task;
  v_source howdah.queue;
  v_status text := 'RUNNING';
  v_failure text;
  v_batch record;
  v_moved bigint := 0;
BEGIN
  moved := 0;
  ended := false;
  targets := '{}';
  SELECT t.* INTO v_task FROM howdah.move_task t
   WHERE t.task_id = p_task_id AND t.finished_at IS NULL FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN RETURN; END IF;
  v_now := {clock};
  -- A queue that was made anew since is another one.
  SELECT q.* INTO v_source FROM howdah.queue q
   WHERE q.account = v_task.account AND q.name = v_task.source_name AND q.deleted_at IS NULL
     AND q.created_at <= v_task.started_at;
  IF v_task.status = 'CANCELLING' THEN
    v_status := 'CANCELLED';
  ELSIF v_source.queue_id IS NULL THEN
    v_failure := 'AWS.SimpleQueueService.NonExistentQueue';
  ELSIF v_task.started_at <= v_now - p_longest_task * interval '1 second' THEN
    v_failure := 'TaskDurationExceeded';
  ELSIF v_source.attributes ->> 'FifoQueue' = 'true' THEN
    SELECT b.* INTO v_batch
      FROM {call:move_fifo_messages}(
             v_source.queue_id, v_task.account, v_task.destination_name, v_task.started_at,
             coalesce((v_source.attributes ->> 'MessageRetentionPeriod')::bigint, p_default_retention),
             coalesce((v_source.attributes ->> 'DelaySeconds')::int, 0), p_rows, p_bytes) b;
  ELSE
    SELECT b.* INTO v_batch
      FROM {call:move_standard_messages}(
             v_source.queue_id, v_task.account, v_task.destination_name, v_task.started_at,
             coalesce((v_source.attributes ->> 'MessageRetentionPeriod')::bigint, p_default_retention), p_rows, p_bytes,
             v_task.pass_lane, v_task.pass_seq) b;
    v_task.pass_lane := v_batch.next_lane;
    v_task.pass_seq := v_batch.next_seq;
  END IF;
  IF v_status = 'RUNNING' AND v_failure IS NULL THEN
    v_moved := v_batch.moved;
    targets := v_batch.targets;
    v_failure := v_batch.failure;
    IF v_batch.nothing_left THEN v_status := 'COMPLETED'; END IF;
  END IF;
  IF v_failure IS NOT NULL THEN v_status := 'FAILED'; END IF;
  ended := v_status <> 'RUNNING';
  UPDATE howdah.move_task t
     SET status = v_status, failure_reason = v_failure, finished_at = CASE WHEN ended THEN v_now END,
         moved = t.moved + v_moved, pass_lane = v_task.pass_lane, pass_seq = v_task.pass_seq
   WHERE t.task_id = p_task_id;
  moved := v_moved;
END $$;
