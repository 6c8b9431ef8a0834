-- Sets anew when messages of one or many standard queues may be received again, in one transaction.
-- Parameters: as delete_standard; p_counts NULL for a request that acts on the message whichever delivery it names
-- (SQS's rule for standard queues); p_timeouts in seconds from now.
-- Answers (position, now) for each request whose message was there, and (-position, now) for each of p_current that is no
-- queue any more.
-- Locks: the delivery rows named, in order. A claim of the same row skips it meanwhile, a delete waits.
CREATE FUNCTION howdah.{name}(
  p_current bigint[], p_queue_ids bigint[], p_lanes bigint[], p_seqs bigint[], p_counts int[], p_prefixes bytea[],
  p_timeouts int[])
RETURNS TABLE (request int, changed_at timestamptz)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz;
BEGIN
  PERFORM 1 FROM unnest(p_queue_ids, p_lanes, p_seqs) u(queue_id, lane, seq)
    CROSS JOIN LATERAL (SELECT 1 FROM howdah.delivery x WHERE x.queue_id = u.queue_id AND x.lane = u.lane
                           AND x.seq = u.seq OFFSET 0 FOR UPDATE) k;
  v_now := {clock};  -- after the wait for the locks
  RETURN QUERY
    WITH k AS MATERIALIZED (
           SELECT u.ord::int AS ord, d.t, u.timeout
             FROM unnest(p_queue_ids, p_lanes, p_seqs, p_counts, p_prefixes, p_timeouts) WITH ORDINALITY
                  u(queue_id, lane, seq, receive_count, prefix, timeout, ord)
             CROSS JOIN LATERAL (SELECT x.ctid AS t FROM howdah.delivery x WHERE x.queue_id = u.queue_id
                                    AND x.lane = u.lane AND x.seq = u.seq
                                    AND x.receive_count = coalesce(u.receive_count, x.receive_count) OFFSET 0) d
             CROSS JOIN LATERAL (SELECT 1 FROM howdah.message x WHERE x.queue_id = u.queue_id AND x.lane = u.lane
                                    AND x.seq = u.seq AND substr(uuid_send(x.message_id), 1, 4) = u.prefix OFFSET 0) m),
         changed AS (
           UPDATE howdah.delivery d SET visible_at = v_now + k.timeout * interval '1 second' FROM k WHERE d.ctid = k.t)
    SELECT k.ord, v_now FROM k;
  RETURN QUERY
    SELECT -u.ord::int, v_now FROM unnest(p_current) WITH ORDINALITY u(queue_id, ord)
     WHERE (SELECT q.queue_id FROM howdah.queue q WHERE q.queue_id = u.queue_id AND q.deleted_at IS NULL) IS NULL;
END $$;
