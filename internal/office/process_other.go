//go:build !linux

package office

import "errors"

func processBegan(int) (string, error) {
	return "", errors.New("not known on this system")
}

// killGroup kills nothing: no process has been noted.
func killGroup(int, string, string) (bool, error) { return false, nil }
