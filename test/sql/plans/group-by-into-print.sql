SET 'parallelism.default' = '2';
INSERT INTO updates SELECT name, COUNT(*) FROM events WHERE n > 0 GROUP BY name;
