-- Moves a lane's cursor past the messages above it that were sent at or before p_limit, and leaves the stretch to the
-- sweep. Finds its end by bisection: sent_at grows with seq.
-- Called within transactions that hold the lane's claim lock. Answers the cursor.
CREATE FUNCTION howdah.{name}(p_queue_id bigint, p_lane bigint, p_limit timestamptz)
RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_hi bigint;
  v_old bigint;    -- known to be too old
  v_young bigint;  -- known to be young enough, or the end
  v_middle bigint;
BEGIN
  SELECT c.hi INTO v_hi FROM howdah.lane_cursor c WHERE c.queue_id = p_queue_id AND c.lane = p_lane
   ORDER BY c.hi DESC LIMIT 1;
  SELECT m.seq INTO v_old FROM howdah.message m
   WHERE m.queue_id = p_queue_id AND m.lane = p_lane AND m.seq > v_hi ORDER BY m.seq LIMIT 1;
  IF v_old IS NULL OR (SELECT m.sent_at FROM howdah.message m WHERE m.queue_id = p_queue_id AND m.lane = p_lane
                          AND m.seq = v_old) > p_limit THEN
    RETURN v_hi;
  END IF;
  SELECT m.seq + 1 INTO v_young FROM howdah.message m
   WHERE m.queue_id = p_queue_id AND m.lane = p_lane AND m.seq > v_hi ORDER BY m.seq DESC LIMIT 1;
  WHILE v_young - v_old > 1 LOOP
    v_middle := (v_old + v_young) / 2;
    IF (SELECT m.sent_at FROM howdah.message m WHERE m.queue_id = p_queue_id AND m.lane = p_lane AND m.seq >= v_middle
         ORDER BY m.seq LIMIT 1) <= p_limit THEN
      v_old := v_middle;
    ELSE
      v_young := v_middle;
    END IF;
  END LOOP;
  INSERT INTO howdah.lane_cursor (queue_id, lane, hi) VALUES (p_queue_id, p_lane, v_old);
  DELETE FROM howdah.lane_cursor c WHERE c.queue_id = p_queue_id AND c.lane = p_lane AND c.hi = v_hi;
  INSERT INTO howdah.expired_range (queue_id, lane, first_seq, last_seq) VALUES (p_queue_id, p_lane, v_hi + 1, v_old);
  RETURN v_old;
END $$;
