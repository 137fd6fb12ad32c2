"""A report on leads as one HTML file, from the models of the dbt package."""
