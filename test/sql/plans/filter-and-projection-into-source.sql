SELECT name, t + 1 FROM (SELECT name, twice AS t, id FROM events) WHERE id > 5 AND 1 = 1;
