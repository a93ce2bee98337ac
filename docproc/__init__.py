"""docproc reads handwritten numbers from scanned forms and says how sure it is."""

__version__ = "0.1.0"
