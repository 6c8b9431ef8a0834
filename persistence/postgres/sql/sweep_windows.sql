-- Deletes up to p_rows rows of deduplication windows and receive attempts that ended a minute ago.
-- A row that a send makes its own again meanwhile is skipped by its ctid.
CREATE FUNCTION howdah.{name}(p_rows int, OUT rows_deleted bigint, OUT more boolean)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_limit timestamptz := {clock} - interval '1 minute';
  v_count bigint;
BEGIN
  DELETE FROM howdah.fifo_deduplication WHERE ctid = ANY (ARRAY(
    SELECT d.ctid FROM howdah.fifo_deduplication d WHERE d.expires_at <= v_limit ORDER BY d.expires_at LIMIT p_rows));
  GET DIAGNOSTICS rows_deleted = ROW_COUNT;
  DELETE FROM howdah.fifo_attempt WHERE ctid = ANY (ARRAY(
    SELECT a.ctid FROM howdah.fifo_attempt a WHERE a.expires_at <= v_limit
     ORDER BY a.expires_at LIMIT p_rows));
  GET DIAGNOSTICS v_count = ROW_COUNT;
  rows_deleted := rows_deleted + v_count;
  more := rows_deleted >= p_rows;
END $$;
