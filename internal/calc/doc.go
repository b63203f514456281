// Package calc keeps formulas true.
package calc
