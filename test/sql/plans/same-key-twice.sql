SET 'parallelism.default' = '2';
EXPLAIN CHANGELOG_MODE INSERT INTO updates SELECT name, MAX(c) FROM (
  SELECT name, window_start, COUNT(*) AS c FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
  GROUP BY name, window_start, window_end) GROUP BY name;
