"""Civic Crowd Map: a civic asset map over PostGIS."""
