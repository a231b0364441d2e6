WITH c AS (SELECT name, COUNT(*) AS total FROM events GROUP BY name)
SELECT name, total FROM c WHERE total > 1 UNION ALL SELECT UPPER(name), total FROM c;
