CREATE TABLE hole (name STRING, total BIGINT) WITH ('connector' = 'blackhole');
EXPLAIN CHANGELOG_MODE INSERT INTO hole SELECT name, COUNT(*) FROM events GROUP BY name;
