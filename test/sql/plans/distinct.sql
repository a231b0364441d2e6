SELECT DISTINCT name, n FROM events;
