// Package special holds the special functions and the probability distributions that
// worksheet functions are made of: incomplete gamma and beta functions with their
// inverses, and densities without cancellation.
//
// Two things carry the precision. Densities follow C. Loader, "Fast and Accurate
// Computation of Binomial Probabilities" (2000): what would be a difference of large
// logarithms is written as a deviance and a remainder of Stirling's formula. And
// distribution functions come as both tails, of which the smaller one is computed, not
// taken from 1.
//
// Everything is a pure function of numbers; it may be called from any number of
// goroutines. An argument outside of the domain gives NaN, never a panic, and every loop
// is bounded.
//
// Start reading at [Gamma] and [Beta]; powers and logarithms, at [Pow].
package special
