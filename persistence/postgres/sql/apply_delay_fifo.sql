-- Sets the turns of a FIFO queue that wait for a longer delay than the queue now has, a slice at a call.
-- Parameters: p_after: the last lane of the slice before; p_limit: how many groups a slice has.
-- Answers the last lane looked at; NULL: there are no more.
-- Locks: the claim locks of all partitions, in order, then the send locks: whoever sent by the delay before has committed.
CREATE FUNCTION howdah.{name}(p_queue_id bigint, p_after bigint, p_limit int)
RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz;
  v_delay int;
  v_last bigint;
  v_late bigint[];
BEGIN
  PERFORM 1 FROM howdah.claim_lock c WHERE c.queue_id = p_queue_id AND c.lane > 0 ORDER BY c.lane FOR UPDATE;
  PERFORM 1 FROM howdah.send_lock s WHERE s.queue_id = p_queue_id AND s.lane > 0 ORDER BY s.lane FOR UPDATE;
  v_now := {clock};
  SELECT coalesce((q.attributes ->> 'DelaySeconds')::int, 0) INTO v_delay FROM howdah.queue q
   WHERE q.queue_id = p_queue_id AND q.deleted_at IS NULL;
  IF NOT FOUND THEN RETURN NULL; END IF;
  SELECT max(t.lane), array_agg(t.lane) FILTER (WHERE t.available_at > v_now) INTO v_last, v_late
    FROM (SELECT x.lane, x.available_at FROM howdah.fifo_turn x WHERE x.queue_id = p_queue_id AND x.lane > p_after
           ORDER BY x.lane LIMIT p_limit) t;
  IF v_late IS NOT NULL THEN
    PERFORM {call:refresh_turns}(p_queue_id, v_late, v_delay, v_now);
  END IF;
  RETURN v_last;
END $$;
