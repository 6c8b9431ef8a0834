-- Queues by account and name.
CREATE SCHEMA IF NOT EXISTS howdah;
