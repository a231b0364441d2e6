SELECT UPPER(name), SUM(price) FILTER (WHERE ok), COUNT(DISTINCT id) FROM events GROUP BY UPPER(name), n % 3;
