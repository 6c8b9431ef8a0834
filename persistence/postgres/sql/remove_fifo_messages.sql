-- Deletes messages of one FIFO queue with their delivery rows, and counts them as removed.
-- Called within transactions that hold the claim locks of the groups' partitions: nobody else touches these rows.
CREATE FUNCTION howdah.{name}(p_queue_id bigint, p_lanes bigint[], p_seqs bigint[])
RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  DELETE FROM howdah.fifo_delivery WHERE ctid = ANY (ARRAY(
    SELECT d.t FROM unnest(p_lanes, p_seqs) u(lane, seq)
      CROSS JOIN LATERAL (SELECT x.ctid AS t FROM howdah.fifo_delivery x WHERE x.queue_id = p_queue_id AND x.lane = u.lane
                             AND x.seq = u.seq OFFSET 0) d));
  DELETE FROM howdah.message WHERE ctid = ANY (ARRAY(
    SELECT m.t FROM unnest(p_lanes, p_seqs) u(lane, seq)
      CROSS JOIN LATERAL (SELECT x.ctid AS t FROM howdah.message x WHERE x.queue_id = p_queue_id AND x.lane = u.lane
                             AND x.seq = u.seq OFFSET 0) m));
  PERFORM {call:count_removed}(p_queue_id, p_lanes);
END $$;
