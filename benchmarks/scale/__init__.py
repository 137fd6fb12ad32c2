"""Hundreds of accounts: the Airflow example under load, and one process alone."""
