// The least that a program costs.
