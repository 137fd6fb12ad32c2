"""The demo: Meltano loads the four sandbox APIs into CSV files and PostgreSQL."""
