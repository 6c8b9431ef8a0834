-- Has the next batch of a task end it.
-- Answers cancelling and how many messages it has moved, no_such_task, or not_running.
-- Locks: the task's row, and so waits for a batch under way.
CREATE FUNCTION howdah.{name}(p_task_id uuid, p_account text, p_source text, OUT outcome text, OUT moved bigint)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_status text;
BEGIN
  SELECT t.status, t.moved INTO v_status, moved FROM howdah.move_task t
   WHERE t.task_id = p_task_id AND t.account = p_account AND t.source_name = p_source FOR UPDATE;
  IF NOT FOUND THEN
    outcome := 'no_such_task';
  ELSIF v_status <> 'RUNNING' THEN
    outcome := 'not_running';
  ELSE
    UPDATE howdah.move_task t SET status = 'CANCELLING' WHERE t.task_id = p_task_id;
    outcome := 'cancelling';
  END IF;
END $$;
