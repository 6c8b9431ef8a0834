-- Deletes messages of one FIFO queue, each named by one of its deliveries, and sets the turns of their groups anew.
-- Parameters: one element a request, distinct, in order of lane and seq: the delivery's key, its receive_count and the
-- first four bytes of the message id.
-- Answers, a row a request: 'deleted'; 'expired' (its visibility timeout has ended, or it was received again: FIFO
-- refuses such a handle); 'gone' (no such message any more); and whether the message's group can be received from now.
-- No rows: there is no such queue any more.
-- Locks: the claim locks of the partitions, in order.
CREATE FUNCTION howdah.{name}(
  p_queue_id bigint, p_lanes bigint[], p_seqs bigint[], p_counts int[], p_prefixes bytea[])
RETURNS TABLE (request int, outcome text, available boolean)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz;
  v_delay int;
  v_outcomes text[];
  v_lanes bigint[];
  v_seqs bigint[];
BEGIN
  PERFORM 1 FROM (SELECT DISTINCT (x & 7) + 1 AS part FROM unnest(p_lanes) x ORDER BY 1) p
    CROSS JOIN LATERAL (SELECT 1 FROM howdah.claim_lock c WHERE c.queue_id = p_queue_id AND c.lane = p.part
                        OFFSET 0 FOR UPDATE) l;
  v_now := {clock};
  SELECT coalesce((q.attributes ->> 'DelaySeconds')::int, 0) INTO v_delay FROM howdah.queue q
   WHERE q.queue_id = p_queue_id AND q.deleted_at IS NULL;
  IF NOT FOUND THEN RETURN; END IF;
  SELECT array_agg(CASE WHEN m.found IS NULL THEN 'gone' WHEN d.found IS NULL THEN 'expired' ELSE 'deleted' END
                   ORDER BY u.ord),
         array_agg(u.lane ORDER BY u.ord) FILTER (WHERE m.found AND d.found),
         array_agg(u.seq ORDER BY u.ord) FILTER (WHERE m.found AND d.found)
    INTO v_outcomes, v_lanes, v_seqs
    FROM unnest(p_lanes, p_seqs, p_counts, p_prefixes) WITH ORDINALITY u(lane, seq, receive_count, prefix, ord)
    LEFT JOIN LATERAL (SELECT true AS found FROM howdah.message x WHERE x.queue_id = p_queue_id AND x.lane = u.lane
                          AND x.seq = u.seq AND substr(uuid_send(x.message_id), 1, 4) = u.prefix OFFSET 0) m ON true
    LEFT JOIN LATERAL (SELECT true AS found FROM howdah.fifo_delivery x WHERE x.queue_id = p_queue_id
                          AND x.lane = u.lane AND x.seq = u.seq AND x.receive_count = u.receive_count
                          AND x.visible_at > v_now OFFSET 0) d ON true;
  IF v_lanes IS NOT NULL THEN
    PERFORM {call:remove_fifo_messages}(p_queue_id, v_lanes, v_seqs);
    PERFORM {call:refresh_turns}(p_queue_id, v_lanes, v_delay, v_now);
  END IF;
  RETURN QUERY
    SELECT i, v_outcomes[i], coalesce((SELECT t.available_at FROM howdah.fifo_turn t WHERE t.queue_id = p_queue_id
                                          AND t.lane = p_lanes[i] ORDER BY t.version DESC LIMIT 1) <= v_now, false)
      FROM generate_series(1, cardinality(p_lanes)) i;
END $$;
