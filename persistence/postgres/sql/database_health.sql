-- Figures of PostgreSQL that queues depend on: by the name of the metric, then by table ("" for those without). What our
-- role may not see is missing. Without pg_read_all_stats that is, of the oldest transaction, those of other roles, and of the
-- oldest xmin, what standbys without a slot hold back: other roles' sessions show their backend_xmin, but not what they are.
CREATE FUNCTION howdah.{name}()
RETURNS text
LANGUAGE sql VOLATILE AS $$
  SELECT (jsonb_build_object(
      'howdah_db_table_bytes', tables.bytes, 'howdah_db_live_tuples', tables.live, 'howdah_db_dead_tuples', tables.dead,
      'howdah_db_last_autovacuum_timestamp_seconds', coalesce(tables.vacuumed, '{}'),
      'howdah_db_oldest_xmin_age', jsonb_build_object('', coalesce(greatest(
        (SELECT max(age(a.backend_xmin)) FROM pg_stat_activity a
          WHERE a.datname = current_database() OR a.backend_type = 'walsender'),
        (SELECT max(greatest(age(s.xmin), age(s.catalog_xmin))) FROM pg_replication_slots s),
        (SELECT max(age(p.transaction)) FROM pg_prepared_xacts p WHERE p.database = current_database())), 0)),
      'howdah_db_oldest_transaction_seconds', jsonb_build_object('', coalesce(
        (SELECT extract(epoch FROM max(clock_timestamp() - a.xact_start)) FROM pg_stat_activity a
          WHERE a.datname = current_database() AND a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()), 0)),
      'howdah_db_xid_age', jsonb_build_object('', age(d.datfrozenxid)),
      'howdah_db_multixact_age', jsonb_build_object('', mxid_age(d.datminmxid)),
      'howdah_db_wal_bytes_total', jsonb_build_object('', pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')),
      'howdah_db_server_connections',
        jsonb_build_object('', (SELECT sum(s.numbackends) FROM pg_stat_database s)),
      'howdah_db_server_connections_max', jsonb_build_object('', current_setting('max_connections')::int)))::text
    FROM pg_database d,
         (SELECT jsonb_object_agg(t.relname, pg_total_relation_size(t.relid)) AS bytes,
                 jsonb_object_agg(t.relname, t.n_live_tup) AS live, jsonb_object_agg(t.relname, t.n_dead_tup) AS dead,
                 jsonb_object_agg(t.relname, extract(epoch FROM t.last_autovacuum))
                   FILTER (WHERE t.last_autovacuum IS NOT NULL) AS vacuumed
            FROM pg_stat_user_tables t WHERE t.schemaname = 'howdah') tables
   WHERE d.datname = current_database()
$$;
