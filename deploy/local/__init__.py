"""The embedded stack: a real Postgres, a real Kafka and the four services as child processes; no
Docker, no root."""
