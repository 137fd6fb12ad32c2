"""The demo: the four sandbox APIs, loaded into CSV files and PostgreSQL by Meltano."""
