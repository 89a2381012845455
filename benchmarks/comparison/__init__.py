"""Varve beside other NBD servers: servers, loads and the report."""
