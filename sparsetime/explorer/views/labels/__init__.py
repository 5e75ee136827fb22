"""Names and stars of features, to export and import."""
