EXECUTE STATEMENT SET BEGIN
INSERT INTO updates SELECT sensor_id, COUNT(*) FROM sensor_readings GROUP BY sensor_id;
INSERT INTO updates SELECT sensor_id, 1 FROM sensor_readings WHERE temperature > 30;
END;
