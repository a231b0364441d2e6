SET 'parallelism.default' = '2';
INSERT INTO updates /*+ OPTIONS('sink.parallelism' = '3') */ SELECT name, COUNT(*) FROM events GROUP BY name;
