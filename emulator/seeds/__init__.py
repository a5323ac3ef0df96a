"""Seeds: what worlds are made from. Read, checked, planted out of sight, kept to go back to, and written."""
