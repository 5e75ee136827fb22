"""Labels of recordings and events in them: tables that are read, checked and stored."""
