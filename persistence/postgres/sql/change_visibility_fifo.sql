-- Sets anew when messages of one FIFO queue may be received again, and the turns of their groups.
-- Parameters: as delete_fifo; p_timeouts in seconds from now.
-- Answers, a row a request: 'changed', 'expired' or 'gone' as delete_fifo, and the time. No rows: no such queue any more.
-- Locks: the claim locks of the partitions, in order.
CREATE FUNCTION howdah.{name}(
  p_queue_id bigint, p_lanes bigint[], p_seqs bigint[], p_counts int[], p_prefixes bytea[],
  p_timeouts int[])
RETURNS TABLE (request int, outcome text, changed_at timestamptz)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz;
  v_delay int;
  v_outcomes text[];
  v_deliveries tid[];
BEGIN
  PERFORM 1 FROM (SELECT DISTINCT (x & 7) + 1 AS part FROM unnest(p_lanes) x ORDER BY 1) p
    CROSS JOIN LATERAL (SELECT 1 FROM howdah.claim_lock c WHERE c.queue_id = p_queue_id AND c.lane = p.part
                        OFFSET 0 FOR UPDATE) l;
  v_now := {clock};
  SELECT coalesce((q.attributes ->> 'DelaySeconds')::int, 0) INTO v_delay FROM howdah.queue q
   WHERE q.queue_id = p_queue_id AND q.deleted_at IS NULL;
  IF NOT FOUND THEN RETURN; END IF;
  SELECT array_agg(CASE WHEN m.found IS NULL THEN 'gone' WHEN d.t IS NULL THEN 'expired' ELSE 'changed' END
                   ORDER BY u.ord),
         array_agg(CASE WHEN m.found THEN d.t END ORDER BY u.ord)
    INTO v_outcomes, v_deliveries
    FROM unnest(p_lanes, p_seqs, p_counts, p_prefixes) WITH ORDINALITY u(lane, seq, receive_count, prefix, ord)
    LEFT JOIN LATERAL (SELECT true AS found FROM howdah.message x WHERE x.queue_id = p_queue_id AND x.lane = u.lane
                          AND x.seq = u.seq AND substr(uuid_send(x.message_id), 1, 4) = u.prefix OFFSET 0) m ON true
    LEFT JOIN LATERAL (SELECT x.ctid AS t FROM howdah.fifo_delivery x WHERE x.queue_id = p_queue_id AND x.lane = u.lane
                          AND x.seq = u.seq AND x.receive_count = u.receive_count AND x.visible_at > v_now
                       OFFSET 0) d ON true;
  UPDATE howdah.fifo_delivery d SET visible_at = v_now + u.timeout * interval '1 second', changed_at = v_now
    FROM unnest(v_deliveries, p_timeouts) u(t, timeout) WHERE d.ctid = u.t;
  PERFORM {call:refresh_turns}(p_queue_id, p_lanes, v_delay, v_now);
  RETURN QUERY SELECT i, v_outcomes[i], v_now FROM generate_series(1, cardinality(p_lanes)) i;
END $$;
