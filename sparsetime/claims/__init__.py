"""Claims of papers, the lab in which they are checked, and the rule that judges them."""
