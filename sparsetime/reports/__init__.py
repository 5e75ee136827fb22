"""Reports: static pages about a run, a suite or a leaderboard."""
