"""Tests of mail/: no database, no socket, no clock."""
