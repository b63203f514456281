package load

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// ReadTokens reads bearer tokens, one a line: NAME TOKEN for the sessions that a group opens as NAME
// (Group.As), or TOKEN alone for all that are opened as nobody in particular, which is under "". Blank lines, and lines
// that begin with #, are nothing. No error repeats a token.
func ReadTokens(r io.Reader) (map[string]string, error) {
	tokens := map[string]string{}
	lines := bufio.NewScanner(io.LimitReader(r, scenarioMax))
	for n := 1; lines.Scan(); n++ {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		name, token := "", fields[len(fields)-1]
		switch len(fields) {
		case 1:
		case 2:
			name = fields[0]
		default:
			return nil, fmt.Errorf("line %d has %d words; NAME TOKEN is wanted, or TOKEN", n, len(fields))
		}
		if strings.ContainsFunc(token, func(c rune) bool { return c <= ' ' || c > '~' }) {
			return nil, fmt.Errorf("line %d: that is no token", n)
		}
		if _, twice := tokens[name]; twice {
			return nil, fmt.Errorf("line %d: %q has a token already", n, name)
		}
		tokens[name] = token
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(tokens) == 0 {
		return nil, errors.New("it has no token")
	}
	return tokens, nil
}

// as gives the principal as whom the j-th session of a group is opened, "" for nobody in particular.
func (g *Group) as(j int) string {
	if len(g.As) == 0 {
		return ""
	}
	return g.As[j%len(g.As)]
}

// checkTokens tells what is missing for groups to be who they shall be.
func (t *Target) checkTokens(groups []Group) error {
	if t.Program.Line != nil && len(t.Tokens) > 0 {
		return errors.New("tokens are sent over HTTP; over stdio the server asks nobody who he is")
	}
	for _, g := range groups {
		for _, name := range g.As {
			if t.Tokens[name] == "" {
				return fmt.Errorf("group %q: as: there is no token of %q", g.Name, name)
			}
		}
	}
	return nil
}

// bearing sends a token with requests to one host, and to no other that it is sent on to.
type bearing struct {
	through http.RoundTripper
	host    string
	token   string
}

func (b bearing) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == b.host {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+b.token)
	}
	return b.through.RoundTrip(r)
}
