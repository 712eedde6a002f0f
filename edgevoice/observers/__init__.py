"""Observers: they see every fact and order, and decide nothing."""
