// The minimum cost of a program.
