"""Credentials that many workers share through a store."""
