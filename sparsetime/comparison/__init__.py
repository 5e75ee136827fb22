"""The leaderboard: recipes trained at equal budgets on the testbeds, and compared."""
