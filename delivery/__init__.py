"""Tells others what triggers fired: signed webhooks, in order, until they are taken."""
