"""Sends the paid calls: reservations, images, dependent jobs, reconciliation."""
