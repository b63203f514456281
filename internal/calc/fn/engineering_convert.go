package fn

import (
	"math"
	"strings"

	"gridflow/internal/calc/special"
	"gridflow/internal/cell"
)

// quantity is what a unit measures. Units of the same can be converted into each other.
type quantity uint8

const (
	ofMass quantity = iota
	ofDistance
	ofDuration
	ofPressure
	ofForce
	ofEnergy
	ofPower
	ofMagnetism
	ofTemperature
	ofVolume
	ofArea
	ofInformation
	ofSpeed
)

// unit is one of CONVERT's units of measure.
type unit struct {
	of     quantity
	factor float64 // how many of the quantity's basic unit it is
	prefix int     // the power to which a metric prefix counts, 0 where it takes none
}

// The lengths from which areas and volumes are made, in metres.
const (
	inch        = 0.0254
	foot        = 12 * inch
	yard        = 3 * foot
	mile        = 1760 * yard
	surveyMile  = 5280 * 1200.0 / 3937
	nautical    = 1852
	angstrom    = 1e-10
	lightYear   = 9460730472580800
	parsec      = 149597870700 * 648000 / math.Pi
	point       = inch / 72
	pound       = 0.45359237 // kg
	gravity     = 9.80665    // m/s²
	gallon      = 231 * inch * inch * inch
	imperialGal = 0.00454609 // m³
	calorieIT   = 4.1868     // J
	btu         = 1055.05585262
)

// units are those of Excel's documentation of CONVERT; the factors are the definitions of the
// units. Names are case-sensitive.
var units = map[string]unit{
	"g": {ofMass, 1, 1}, "sg": {ofMass, pound * gravity / foot * 1000, 0}, "lbm": {ofMass, pound * 1000, 0},
	"u": {ofMass, 1.660538782e-24, 1}, "ozm": {ofMass, pound * 1000 / 16, 0}, "grain": {ofMass, pound * 1000 / 7000, 0},
	"cwt": {ofMass, pound * 100000, 0}, "shweight": {ofMass, pound * 100000, 0},
	"uk_cwt": {ofMass, pound * 112000, 0}, "lcwt": {ofMass, pound * 112000, 0}, "hweight": {ofMass, pound * 112000, 0},
	"stone": {ofMass, pound * 14000, 0}, "ton": {ofMass, pound * 2000000, 0},
	"uk_ton": {ofMass, pound * 2240000, 0}, "LTON": {ofMass, pound * 2240000, 0}, "brton": {ofMass, pound * 2240000, 0},

	"m": {ofDistance, 1, 1}, "mi": {ofDistance, mile, 0}, "Nmi": {ofDistance, nautical, 0}, "in": {ofDistance, inch, 0},
	"ft": {ofDistance, foot, 0}, "yd": {ofDistance, yard, 0}, "ang": {ofDistance, angstrom, 1}, "ell": {ofDistance, 45 * inch, 0},
	"ly": {ofDistance, lightYear, 1}, "parsec": {ofDistance, parsec, 1}, "pc": {ofDistance, parsec, 1},
	"Picapt": {ofDistance, point, 0}, "Pica": {ofDistance, point, 0}, "pica": {ofDistance, inch / 6, 0}, "survey_mi": {ofDistance, surveyMile, 0},

	"yr": {ofDuration, 31557600, 0}, "day": {ofDuration, 86400, 0}, "d": {ofDuration, 86400, 0}, "hr": {ofDuration, 3600, 0},
	"mn": {ofDuration, 60, 0}, "min": {ofDuration, 60, 0}, "sec": {ofDuration, 1, 1}, "s": {ofDuration, 1, 1},

	"Pa": {ofPressure, 1, 1}, "p": {ofPressure, 1, 1}, "atm": {ofPressure, 101325, 1}, "at": {ofPressure, 101325, 1},
	"mmHg": {ofPressure, 133.322, 1}, "psi": {ofPressure, pound * gravity / (inch * inch), 0}, "Torr": {ofPressure, 101325.0 / 760, 1},

	"N": {ofForce, 1, 1}, "dyn": {ofForce, 1e-5, 1}, "dy": {ofForce, 1e-5, 1}, "lbf": {ofForce, pound * gravity, 0}, "pond": {ofForce, gravity / 1000, 1},

	"J": {ofEnergy, 1, 1}, "e": {ofEnergy, 1e-7, 1}, "c": {ofEnergy, 4.184, 1}, "cal": {ofEnergy, calorieIT, 1},
	"eV": {ofEnergy, 1.602176487e-19, 1}, "ev": {ofEnergy, 1.602176487e-19, 1},
	"HPh": {ofEnergy, 550 * foot * pound * gravity * 3600, 0}, "hh": {ofEnergy, 550 * foot * pound * gravity * 3600, 0},
	"Wh": {ofEnergy, 3600, 1}, "wh": {ofEnergy, 3600, 1}, "flb": {ofEnergy, foot * pound * gravity, 0},
	"BTU": {ofEnergy, btu, 0}, "btu": {ofEnergy, btu, 0},

	"HP": {ofPower, 550 * foot * pound * gravity, 0}, "h": {ofPower, 550 * foot * pound * gravity, 0},
	"PS": {ofPower, 75 * gravity, 0}, "W": {ofPower, 1, 1}, "w": {ofPower, 1, 1},

	"T": {ofMagnetism, 1, 1}, "ga": {ofMagnetism, 1e-4, 1},

	"C": {ofTemperature, 1, 0}, "cel": {ofTemperature, 1, 0}, "F": {ofTemperature, 5.0 / 9, 0}, "fah": {ofTemperature, 5.0 / 9, 0},
	"K": {ofTemperature, 1, 1}, "kel": {ofTemperature, 1, 1}, "Rank": {ofTemperature, 5.0 / 9, 0}, "Reau": {ofTemperature, 1.25, 0},

	"tsp": {ofVolume, gallon / 768, 0}, "tspm": {ofVolume, 5e-6, 0}, "tbs": {ofVolume, gallon / 256, 0}, "oz": {ofVolume, gallon / 128, 0},
	"cup": {ofVolume, gallon / 16, 0}, "pt": {ofVolume, gallon / 8, 0}, "us_pt": {ofVolume, gallon / 8, 0}, "uk_pt": {ofVolume, imperialGal / 8, 0},
	"qt": {ofVolume, gallon / 4, 0}, "uk_qt": {ofVolume, imperialGal / 4, 0}, "gal": {ofVolume, gallon, 0}, "uk_gal": {ofVolume, imperialGal, 0},
	"l": {ofVolume, 1e-3, 1}, "L": {ofVolume, 1e-3, 1}, "lt": {ofVolume, 1e-3, 1},
	"barrel": {ofVolume, 42 * gallon, 0}, "bushel": {ofVolume, 2150.42 * inch * inch * inch, 0},
	"GRT": {ofVolume, 100 * foot * foot * foot, 0}, "regton": {ofVolume, 100 * foot * foot * foot, 0}, "MTON": {ofVolume, 40 * foot * foot * foot, 0},

	"uk_acre": {ofArea, 4840 * yard * yard, 0}, "us_acre": {ofArea, surveyMile * surveyMile / 640, 0},
	"ar": {ofArea, 100, 1}, "ha": {ofArea, 10000, 0}, "Morgen": {ofArea, 2500, 0},

	"bit": {ofInformation, 1, 1}, "byte": {ofInformation, 8, 1},

	"admkn": {ofSpeed, 6080 * foot / 3600, 0}, "kn": {ofSpeed, nautical / 3600.0, 0}, "mph": {ofSpeed, mile / 3600, 0},
	"m/h": {ofSpeed, 1.0 / 3600, 1}, "m/hr": {ofSpeed, 1.0 / 3600, 1}, "m/s": {ofSpeed, 1, 1}, "m/sec": {ofSpeed, 1, 1},
}

// raised are the lengths whose squares and cubes are units too: m2, m^2, m3 and m^3.
var raised = map[string]bool{"m": true, "mi": true, "Nmi": true, "in": true, "ft": true, "yd": true, "ang": true, "ly": true, "Picapt": true, "Pica": true}

var metricPrefixes = map[string]float64{
	"Y": 1e24, "Z": 1e21, "E": 1e18, "P": 1e15, "T": 1e12, "G": 1e9, "M": 1e6, "k": 1e3, "h": 1e2, "da": 10, "e": 10,
	"d": 1e-1, "c": 1e-2, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15, "a": 1e-18, "z": 1e-21, "y": 1e-24,
}

var binaryPrefixes = map[string]float64{
	"ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40, "Pi": 1 << 50, "Ei": 1 << 60, "Zi": 1 << 70, "Yi": 1 << 80,
}

// unitNamed finds a unit by its name, without a prefix.
func unitNamed(name string) (unit, bool) {
	if u, ok := units[name]; ok {
		return u, true
	}
	n := len(name)
	if n < 2 || name[n-1] != '2' && name[n-1] != '3' {
		return unit{}, false
	}
	base := strings.TrimSuffix(name[:n-1], "^")
	u, ok := units[base]
	if !ok || !raised[base] {
		return unit{}, false
	}
	if name[n-1] == '2' {
		return unit{ofArea, u.factor * u.factor, 2 * u.prefix}, true
	}
	return unit{ofVolume, u.factor * u.factor * u.factor, 3 * u.prefix}, true
}

// findUnit finds a unit by its name, which may have a prefix.
func findUnit(name string) (unit, bool) {
	if u, ok := unitNamed(name); ok {
		return u, true
	}
	for n := 1; n <= 2 && n < len(name); n++ {
		u, ok := unitNamed(name[n:])
		if !ok || u.prefix == 0 {
			continue
		}
		if p, ok := metricPrefixes[name[:n]]; ok {
			u.factor *= special.Pow(p, float64(u.prefix))
			return u, true
		}
		if p, ok := binaryPrefixes[name[:n]]; ok && u.of == ofInformation {
			u.factor *= p
			return u, true
		}
	}
	return unit{}, false
}

// zeroPoint is the temperature, in degrees Celsius, that a scale calls 0: counted from there, and not from
// 0 kelvin, the freezing point stays free of rounding.
func zeroPoint(scale string) float64 {
	switch scale {
	case "C", "cel", "Reau":
		return 0
	case "F", "fah":
		return -160.0 / 9
	}
	return -273.15 // kelvin, with a prefix or without, and Rankine
}

// convert brings a number from one unit of measure to another.
func convert(c *Context, a Args) Value {
	fromName, toName := a[1].Str(), a[2].Str()
	from, ok1 := findUnit(fromName)
	to, ok2 := findUnit(toName)
	switch {
	case !ok1:
		return c.Fail(cell.ErrNA, "CONVERT knows no unit of the name of its second argument; they are case-sensitive")
	case !ok2:
		return c.Fail(cell.ErrNA, "CONVERT knows no unit of the name of its third argument; they are case-sensitive")
	case from.of != to.of:
		return c.Fail(cell.ErrNA, "the two units measure different things")
	}
	x := a[0].Number()
	if fromName == toName {
		return Num(x)
	}
	if from.of == ofTemperature {
		return Num((x*from.factor + zeroPoint(fromName) - zeroPoint(toName)) / to.factor)
	}
	return Num(x * (from.factor / to.factor))
}
