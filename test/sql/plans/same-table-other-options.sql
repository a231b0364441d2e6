EXECUTE STATEMENT SET BEGIN
INSERT INTO updates SELECT name, id FROM events WHERE ok;
INSERT INTO updates SELECT name, n FROM events WHERE ok;
INSERT INTO updates SELECT name, id FROM events /*+ OPTIONS('scan.parallelism' = '2') */ WHERE ok;
END;
