-- Notes a message move task for the mover to carry out.
-- Parameters: p_destination NULL: each message goes back to where it came from; p_maximum_active: of the account.
-- Answers started, already_running, too_many_active, or no_such_source.
-- Locks: the table against other starts, so that what is counted holds; batches and cancels go on.
CREATE FUNCTION howdah.{name}(
  p_task_id uuid, p_account text, p_source text, p_destination text, p_max_per_second int, p_maximum_active bigint,
  OUT outcome text)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_source howdah.queue;
  v_to_move bigint;
BEGIN
  LOCK TABLE howdah.move_task IN SHARE UPDATE EXCLUSIVE MODE;
  SELECT q.* INTO v_source FROM howdah.queue q
   WHERE q.account = p_account AND q.name = p_source AND q.deleted_at IS NULL;
  IF NOT FOUND THEN
    outcome := 'no_such_source';
    RETURN;
  END IF;
  PERFORM 1 FROM howdah.move_task t WHERE t.account = p_account AND t.source_name = p_source AND t.finished_at IS NULL;
  IF FOUND THEN
    outcome := 'already_running';
    RETURN;
  END IF;
  IF (SELECT count(*) FROM howdah.move_task t WHERE t.account = p_account AND t.finished_at IS NULL)
     >= p_maximum_active THEN
    outcome := 'too_many_active';
    RETURN;
  END IF;
  IF v_source.attributes ->> 'FifoQueue' = 'true' THEN
    SELECT c.visible INTO v_to_move FROM {call:count_messages_fifo}(v_source.queue_id) c;
  ELSE
    SELECT c.visible INTO v_to_move FROM {call:count_messages}(v_source.queue_id) c;
  END IF;
  DELETE FROM howdah.move_task WHERE task_id = ANY (ARRAY(
    SELECT t.task_id FROM howdah.move_task t WHERE t.account = p_account AND t.source_name = p_source
     ORDER BY t.started_at DESC OFFSET 9));
  INSERT INTO howdah.move_task (task_id, account, source_name, destination_name, max_per_second, status, started_at, to_move)
  VALUES (p_task_id, p_account, p_source, p_destination, p_max_per_second, 'RUNNING', {clock}, v_to_move);
  outcome := 'started';
END $$;
