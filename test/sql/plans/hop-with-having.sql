SELECT sensor_id, window_start, COUNT(*)
FROM TABLE(HOP(TABLE sensor_readings, DESCRIPTOR(event_time), INTERVAL '10' SECOND, INTERVAL '1' MINUTE))
GROUP BY sensor_id, window_start, window_end HAVING COUNT(*) FILTER (WHERE temperature > 1) > 2;
