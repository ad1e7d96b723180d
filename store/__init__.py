"""What is durable besides Temporal: SQLAlchemy tables on SQLite or PostgreSQL."""
