package xlsx

import (
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/xlsx/xmltext"
)

// Excel writes errors that came after Excel 2007 as #VALUE!, with a value behind it: the cell's vm counts
// the entries of valueMetadata from 1; an entry names a type of metadata (t, from 1) and an entry of that
// type's futureMetadata (v, from 0), in which a number (rvb i, from 0) leads to a rich value. That is an
// error where its structure (s, from 0) is named _error, and one of its values, in the order of the
// structure's keys, is the errorType.
const (
	richValueType     = "XLRICHVALUE"
	errorStructure    = "_error"
	errorTypeKey      = "errorType"
	metadataKind      = "sheetMetadata"
	richValueKind     = "rdRichValue"
	richStructureKind = "rdRichValueStructure"
)

// richErrorCodes are the errors by their errorType. Those below 8 are the ones of Excel 2007, which need
// no rich value, but may have one that says more.
var richErrorCodes = map[string]cell.ErrorCode{
	"0": cell.ErrNull, "1": cell.ErrDiv0, "2": cell.ErrValue, "3": cell.ErrRef, "4": cell.ErrName, "5": cell.ErrNum, "6": cell.ErrNA, "7": cell.ErrGettingData,
	"8": cell.ErrSpill, "9": cell.ErrConnect, "10": cell.ErrBlocked, "11": cell.ErrUnknown, "12": cell.ErrField, "13": cell.ErrCalc, "14": cell.ErrBusy,
}

// RichErrorType gives the errorType by which a rich value says an error; ok is false for one that none can say. It
// may be called by any number of goroutines at once.
func RichErrorType(code cell.ErrorCode) (errorType string, ok bool) {
	for t, c := range richErrorCodes {
		if c == code {
			return t, true
		}
	}
	return "", false
}

// richError gives the error that stands behind a cell's value metadata; ok is false where it is none, or
// where the parts that say so are missing or damaged: the cell keeps the error that it has. The parts are
// read when first asked for. It may be called by several goroutines at once.
func (f *File) richError(meta int) (code cell.ErrorCode, ok bool) {
	errors := f.richErrors()
	if meta < 1 || meta > len(errors) {
		return 0, false
	}
	code = errors[meta-1]
	return code, code != 0
}

// readRichErrors gives the error for each entry of valueMetadata, 0 for one that is none.
func (f *File) readRichErrors() []cell.ErrorCode {
	var docs [3][]byte
	for i, kind := range [...]string{metadataKind, richValueKind, richStructureKind} {
		part := f.Related(kind)
		if part == nil {
			return nil
		}
		var err error
		if docs[i], err = f.pkg.readXML(part); err != nil {
			return nil
		}
	}
	return resolveRichErrors(richMetadata(docs[0]), richErrorValues(docs[1], richErrorKeys(docs[2])))
}

// resolveRichErrors follows the numbers of rich values to errors.
func resolveRichErrors(values []int, errors map[int]cell.ErrorCode) []cell.ErrorCode {
	if len(errors) == 0 {
		return nil
	}
	codes := make([]cell.ErrorCode, len(values))
	for i, v := range values {
		codes[i] = errors[v]
	}
	return codes
}

// richMetadata gives the number of the rich value for each entry of valueMetadata, -1 for one without.
func richMetadata(doc []byte) (values []int) {
	r := xmltext.New(doc)
	if !r.Root() {
		return nil
	}
	var types []string
	var bundles []int // the rich values of futureMetadata
	for d := r.Depth(); r.Child(d); {
		switch string(r.Local()) {
		case "metadataTypes":
			for t := r.Depth(); r.Child(t); {
				types = append(types, r.Value("name"))
			}
		case "futureMetadata":
			if r.Value("name") != richValueType {
				continue
			}
			for b := r.Depth(); r.Child(b); {
				if bundles = append(bundles, richBundle(r)); len(bundles) > maxEntries {
					return nil
				}
			}
		case "valueMetadata":
			for b := r.Depth(); r.Child(b); {
				value := -1
				for c := r.Depth(); r.Child(c); {
					t, v := r.Int("t", 0), r.Int("v", -1)
					if string(r.Local()) == "rc" && t >= 1 && t <= len(types) && types[t-1] == richValueType && v >= 0 && v < len(bundles) {
						value = bundles[v]
					}
				}
				if values = append(values, value); len(values) > maxEntries {
					return nil
				}
			}
		}
	}
	if r.Err() != nil {
		return nil
	}
	return values
}

// richBundle gives the number of the rich value in the bk at which r stands, -1 where it has none.
func richBundle(r *xmltext.Reader) int {
	value := -1
	for list := r.Depth(); r.Child(list); {
		for ext := r.Depth(); r.Child(ext); {
			for b := r.Depth(); r.Child(b); {
				if string(r.Local()) == "rvb" {
					value = r.Int("i", -1)
				}
			}
		}
	}
	return value
}

// richErrorKeys gives, for each structure that is an error, which of its values is the errorType.
func richErrorKeys(doc []byte) map[int]int {
	keys := map[int]int{}
	r := xmltext.New(doc)
	if !r.Root() {
		return nil
	}
	n := 0
	for d := r.Depth(); r.Child(d); n++ {
		if r.Value("t") != errorStructure {
			continue
		}
		k := 0
		for s := r.Depth(); r.Child(s); k++ {
			if r.Value("n") == errorTypeKey {
				keys[n] = k
			}
		}
	}
	if r.Err() != nil {
		return nil
	}
	return keys
}

// richErrorValues gives the errors among the rich values by their numbers.
func richErrorValues(doc []byte, keys map[int]int) map[int]cell.ErrorCode {
	if len(keys) == 0 {
		return nil
	}
	errors := map[int]cell.ErrorCode{}
	r := xmltext.New(doc)
	if !r.Root() {
		return nil
	}
	n := 0
	for d := r.Depth(); r.Child(d); n++ {
		key, ok := keys[r.Int("s", -1)]
		if !ok {
			continue
		}
		k := 0
		for v := r.Depth(); r.Child(v); k++ {
			if k != key {
				continue
			}
			if code, ok := richErrorCodes[strings.TrimSpace(r.Text())]; ok {
				errors[n] = code
			}
		}
	}
	if r.Err() != nil {
		return nil
	}
	return errors
}
