SET 'table.optimizer.reuse-sub-plan-enabled' = 'false';
SELECT name FROM events UNION ALL SELECT name FROM events;
