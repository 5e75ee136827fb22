"""What steps read of earlier steps."""
