"""TempBench's beds: small worlds whose hidden variables show only over several time steps."""
