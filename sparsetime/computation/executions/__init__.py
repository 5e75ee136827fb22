"""Executions of thinned linear maps: dense, in 16 and 8 bits, condensed, CSR; one file each."""
