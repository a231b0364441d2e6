SELECT window_start, SUM(c) FROM TABLE(TUMBLE(TABLE (
  SELECT sensor_id, window_time AS t, COUNT(*) AS c
  FROM TABLE(TUMBLE(TABLE sensor_readings, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
  GROUP BY sensor_id, window_start, window_end, window_time), DESCRIPTOR(t), INTERVAL '1' HOUR))
GROUP BY window_start, window_end;
