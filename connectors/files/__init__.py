"""Reading of the files in which people keep their likes; the door is ``account_export.py``."""
