SET 'parallelism.default' = '3';
INSERT INTO sensor_aggregates
SELECT sensor_id, window_start, window_end, AVG(temperature) AS avg_temperature, MAX(temperature) AS max_temperature,
  MIN(temperature) AS min_temperature, AVG(humidity) AS avg_humidity, COUNT(*) AS reading_count
FROM TABLE(TUMBLE(TABLE sensor_readings, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
GROUP BY sensor_id, window_start, window_end;
