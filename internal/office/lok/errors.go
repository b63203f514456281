package lok

// An Error is what LibreOffice says of a call that failed. It goes on after it.
type Error struct {
	Op      string // start, load, save, paint, …
	Message string // LibreOffice's own words, mostly
}

func (e *Error) Error() string {
	if e.Message == "" {
		return "LibreOffice: " + e.Op + " failed, without saying why"
	}
	return "LibreOffice: " + e.Op + ": " + e.Message
}
