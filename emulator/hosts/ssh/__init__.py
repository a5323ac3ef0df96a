"""Machines by SSH: their files over SFTP, their shells; see host.py for the way in."""
