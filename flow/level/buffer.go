package level

import "math"

// The buffer is between these parts of the capacity.
const (
	ShareMin = 0.20
	ShareMax = 0.30
)

// Share gives the part of a capacity that is to be kept free for the variation that was
// measured, as coefficients of variation of arrivals and of service. By Kingman's
// formula the waiting grows with V = (ca² + cs²) ÷ 2; the part grows with V too: a fifth
// where nothing varies, a quarter for Poisson arrivals of exponential work (V = 1),
// three tenths from V = 2 on.
func Share(arrivalCV, serviceCV float64) float64 {
	v := (arrivalCV*arrivalCV + serviceCV*serviceCV) / 2
	if math.IsNaN(v) {
		v = 1 // not known: as if at random
	}
	return max(ShareMin, min(ShareMin+0.05*v, ShareMax))
}

// Spares gives how many workers there should be, busy and warm: those that are busy and
// a share of capacity, the most that may be, on top; never fewer than least and never
// more than capacity.
func Spares(busy, least, capacity int, share float64) int {
	buffer := int(math.Ceil(share * float64(capacity)))
	return max(min(least, capacity), min(busy+buffer, capacity))
}
