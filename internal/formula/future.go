package formula

import "strings"

// futureNames are the functions that came after Excel 2007, whose names files begin with
// _xlfn. The list is that of [MS-XLSX] 2.2.2 (future functions), with the functions of Excel
// 365 that came after it. Not in it are ECMA.CEILING, ISO.CEILING, NETWORKDAYS.INTL and
// WORKDAY.INTL, which are as new and are stored without a prefix. ANCHORARRAY, SINGLE and
// _TRO_ALL are no functions that anybody types: see [Stored].
const futureNames = `
	ACOT ACOTH AGGREGATE ARABIC ARRAYTOTEXT BASE BETA.DIST BETA.INV BINOM.DIST BINOM.DIST.RANGE BINOM.INV BITAND
	BITLSHIFT BITOR BITRSHIFT BITXOR BYCOL BYROW CEILING.MATH CEILING.PRECISE CHISQ.DIST CHISQ.DIST.RT CHISQ.INV
	CHISQ.INV.RT CHISQ.TEST CHOOSECOLS CHOOSEROWS COMBINA CONCAT CONFIDENCE.NORM CONFIDENCE.T COT COTH COVARIANCE.P
	COVARIANCE.S CSC CSCH DAYS DECIMAL DETECTLANGUAGE DROP ENCODEURL ERF.PRECISE ERFC.PRECISE EXPAND EXPON.DIST F.DIST
	F.DIST.RT F.INV F.INV.RT F.TEST FIELDVALUE FILTER FILTERXML FLOOR.MATH FLOOR.PRECISE FORECAST.ETS
	FORECAST.ETS.CONFINT FORECAST.ETS.SEASONALITY FORECAST.ETS.STAT FORECAST.LINEAR FORMULATEXT GAMMA GAMMA.DIST
	GAMMA.INV GAMMALN.PRECISE GAUSS GROUPBY HSTACK HYPGEOM.DIST IFNA IFS IMAGE IMCOSH IMCOT IMCSC IMCSCH IMSEC IMSECH
	IMSINH IMTAN ISFORMULA ISOMITTED ISOWEEKNUM LAMBDA LET LOGNORM.DIST LOGNORM.INV MAKEARRAY MAP MAXIFS MINIFS
	MODE.MULT MODE.SNGL MUNIT NEGBINOM.DIST NORM.DIST NORM.INV NORM.S.DIST NORM.S.INV NUMBERVALUE PDURATION
	PERCENTILE.EXC PERCENTILE.INC PERCENTOF PERCENTRANK.EXC PERCENTRANK.INC PERMUTATIONA PHI PIVOTBY POISSON.DIST PY
	QUARTILE.EXC QUARTILE.INC QUERYSTRING RANDARRAY RANK.AVG RANK.EQ REDUCE REGEXEXTRACT REGEXREPLACE REGEXTEST RRI SCAN
	SEC SECH SEQUENCE SHEET SHEETS SKEW.P SORT SORTBY STDEV.P STDEV.S STOCKHISTORY SWITCH T.DIST T.DIST.2T T.DIST.RT
	T.INV T.INV.2T T.TEST TAKE TEXTAFTER TEXTBEFORE TEXTJOIN TEXTSPLIT TOCOL TOROW TRANSLATE TRIMRANGE UNICHAR UNICODE
	UNIQUE VALUETOTEXT VAR.P VAR.S VSTACK WEBSERVICE WEIBULL.DIST WRAPCOLS WRAPROWS XLOOKUP XMATCH XOR Z.TEST
`

// worksheetNames are those of them that have a second prefix, _xlws., because there were
// macro functions of the same names.
const worksheetNames = "FILTER PY SORT"

// future gives the storage prefix of each function that has one.
var future = func() map[string]string {
	m := make(map[string]string)
	for name := range strings.FieldsSeq(futureNames) {
		m[name] = "_xlfn."
	}
	for name := range strings.FieldsSeq(worksheetNames) {
		m[name] = "_xlfn._xlws."
	}
	return m
}()

// futureLength is the length of the longest name in future.
const futureLength = len("FORECAST.ETS.SEASONALITY")

// futurePrefix gives the prefix that files put before a function's name, which comes
// without one; "" for none.
func futurePrefix(name string) string {
	if len(name) > futureLength {
		return ""
	}
	return future[strings.ToUpper(name)]
}
