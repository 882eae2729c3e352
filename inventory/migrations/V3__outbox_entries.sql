-- The entry of an event's last copy in Redis: it is not published again while that copy is unread or pending. Written only for events
-- that are not confirmed within some seconds.
ALTER TABLE outbox ADD COLUMN entry_id text COLLATE "C";
-- When that copy was first seen acknowledged although its answer was not heard: how long the answer may still wait to be heard.
ALTER TABLE outbox ADD COLUMN acknowledged_at timestamptz;
-- Along the stream first: one that is full, or that Redis refuses, does not stand before the others.
ALTER TABLE outbox ALTER COLUMN stream TYPE text COLLATE "C";
UPDATE outbox SET due_at = now() WHERE due_at = '-infinity';
DROP INDEX outbox_due;
CREATE INDEX outbox_due ON outbox (stream, due_at);

-- How many partitions the streams have. An event is found only by who counts as its publisher did.
CREATE TABLE stream_partitions (
    singleton  boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    partitions integer NOT NULL CHECK (partitions > 0)
);
