"""What calls cost, and what they may cost: prices, hard budgets, and the sums of what was spent."""
