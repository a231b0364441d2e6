CREATE TABLE hole (name STRING, total BIGINT) WITH ('connector' = 'blackhole');
EXPLAIN CHANGELOG_MODE INSERT INTO hole SELECT name, c FROM (SELECT name, COUNT(*) AS c FROM events GROUP BY name) WHERE name <> 'x' AND c > 1;
