package fake

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"io"
	"os"
	"regexp"
	"strings"
)

// A script is words and what they were given.
type script map[string]string

func parseScript(text string) script {
	s := script{}
	for word := range strings.SplitSeq(text, ",") {
		if name, value, _ := strings.Cut(strings.TrimSpace(word), "="); name != "" {
			s[name] = value
		}
	}
	return s
}

// marker finds a script in a text. What XML and people put behind it does not belong to it.
var marker = regexp.MustCompile(`fake:([A-Za-z0-9_=,./-]+)`)

// A document is what the fake knows of one.
type document struct {
	content []byte
	script  script // nil where the document has none
	sheets  []string
	hidden  []bool
}

// readDocument reads a document, workbook or not.
func readDocument(path string) (document, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return document{}, err
	}
	d := document{content: content}
	look := func(text []byte) {
		if m := marker.FindSubmatch(text); m != nil && d.script == nil {
			d.script = parseScript(string(m[1]))
		}
	}
	look(content)
	if z, err := zip.NewReader(bytes.NewReader(content), int64(len(content))); err == nil {
		for _, f := range z.File {
			r, err := f.Open()
			if err != nil {
				return d, err
			}
			part, err := io.ReadAll(io.LimitReader(r, 16<<20))
			r.Close()
			if err != nil {
				return d, err
			}
			look(part)
			if f.Name == "xl/workbook.xml" {
				d.readSheets(part)
			}
		}
	}
	if len(d.sheets) == 0 {
		d.sheets, d.hidden = []string{"Sheet1"}, []bool{false}
	}
	return d, nil
}

func (d *document) readSheets(workbook []byte) {
	var w struct {
		Sheets []struct {
			Name  string `xml:"name,attr"`
			State string `xml:"state,attr"`
		} `xml:"sheets>sheet"`
	}
	if xml.Unmarshal(workbook, &w) != nil {
		return
	}
	for _, s := range w.Sheets {
		d.sheets = append(d.sheets, s.Name)
		d.hidden = append(d.hidden, strings.Contains(strings.ToLower(s.State), "hidden"))
	}
}
