CREATE TABLE hole (c BIGINT, total BIGINT) WITH ('connector' = 'blackhole');
EXPLAIN CHANGELOG_MODE INSERT INTO hole SELECT c, COUNT(*) FROM (SELECT name, COUNT(*) AS c FROM events GROUP BY name) GROUP BY c;
