-- Purges or deletes a queue in constant time: its incarnation ends and becomes remains for the sweep.
-- Parameters: p_new_queue_id, the incarnation that follows (a purge), or NULL (a deletion); p_minimum_interval in
-- seconds: how long ago the last purge must be.
-- Answers outcome ended, not_found, purge_in_progress, or changed (another one ended it first: call again).
-- Locks: the aside lane first and alone, since an application's open transaction that enqueued may hold it for long;
-- then the queue's row, then the claim locks and the send locks, each by lane. The lock timeout is short, so that nobody
-- who comes behind us waits for that application as well: the caller lets go and tries again.
CREATE FUNCTION howdah.{name}(
  p_account text, p_name text, p_new_queue_id bigint, p_minimum_interval bigint,
  OUT outcome text, OUT result howdah.queue)
LANGUAGE plpgsql VOLATILE SET lock_timeout = '250ms' AS $$
DECLARE
  v_old bigint;
  v_now timestamptz;
BEGIN
  SELECT q.queue_id INTO v_old FROM howdah.queue q
   WHERE q.account = p_account AND q.name = p_name AND q.deleted_at IS NULL;
  IF NOT FOUND THEN
    outcome := 'not_found';
    RETURN;
  END IF;
  PERFORM 1 FROM howdah.send_lock l WHERE l.queue_id = v_old AND l.lane = 0 FOR UPDATE;
  SELECT q.* INTO result FROM howdah.queue q WHERE q.account = p_account AND q.name = p_name FOR UPDATE;
  IF result.queue_id IS DISTINCT FROM v_old OR result.deleted_at IS NOT NULL THEN
    outcome := 'changed';
    RETURN;
  END IF;
  v_now := {clock};
  IF result.purged_at > v_now - p_minimum_interval * interval '1 second' THEN
    outcome := 'purge_in_progress';
    RETURN;
  END IF;

  PERFORM 1 FROM howdah.claim_lock l WHERE l.queue_id = v_old ORDER BY l.lane FOR UPDATE;
  PERFORM 1 FROM howdah.send_lock l WHERE l.queue_id = v_old ORDER BY l.lane FOR UPDATE;
  IF p_new_queue_id IS NULL THEN
    UPDATE howdah.queue q SET deleted_at = v_now, version = q.version + 1
     WHERE q.account = p_account AND q.name = p_name
    RETURNING q.* INTO result;
  ELSE
    PERFORM {call:begin_incarnation}(p_new_queue_id, result.attributes);
    UPDATE howdah.queue q SET queue_id = p_new_queue_id, purged_at = v_now, version = q.version + 1
     WHERE q.account = p_account AND q.name = p_name
    RETURNING q.* INTO result;
  END IF;
  DELETE FROM howdah.claim_lock l WHERE l.queue_id = v_old;
  DELETE FROM howdah.send_lock l WHERE l.queue_id = v_old;
  INSERT INTO howdah.remains (queue_id, since) VALUES (v_old, v_now);
  outcome := 'ended';
END $$;
