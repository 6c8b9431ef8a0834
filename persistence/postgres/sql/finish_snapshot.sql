-- Ends a round of snapshot_queues: forgets queues that are no more, and says that there is a new snapshot. p_database: what
-- database_health answered; NULL keeps what was known.
CREATE FUNCTION howdah.{name}(p_database text)
RETURNS void
LANGUAGE sql VOLATILE AS $$
  DELETE FROM howdah.queue_snapshot s
   WHERE (SELECT q.queue_id FROM howdah.queue q WHERE q.queue_id = s.queue_id AND q.deleted_at IS NULL) IS NULL;
  UPDATE howdah.snapshot
     SET number = number + 1, taken_at = {clock}, written_at = clock_timestamp(), database = coalesce(p_database::jsonb, database)
   WHERE id = 1;
$$;
