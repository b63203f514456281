package server

import (
	"strings"
	"testing"
	"time"

	"gridflow/flow"
	"gridflow/flow/kernel"
)

// TestRefusalSaysWhen: what a client is told is never before the time at which another try
// may succeed, is the same in both places, and stands in the text that a model reads.
func TestRefusalSaysWhen(t *testing.T) {
	s := New(Config{})
	after := 995*time.Millisecond + 400*time.Microsecond
	e := s.admissionError(t.Context(), &flow.Refusal{Code: flow.CodeRateLimited, Class: "fast", Outcome: kernel.RateLimited, RetryAfter: after})
	if got := time.Duration(e.RetryAfterMillis) * time.Millisecond; got < after {
		t.Errorf("gridflow/retryAfterMs is %v, before %v", got, after)
	}
	if e.Details["retry_after_ms"] != e.RetryAfterMillis {
		t.Errorf("details say %v, the field says %v", e.Details["retry_after_ms"], e.RetryAfterMillis)
	}
	if !strings.Contains(e.Error(), "99") { // 995 or 996 ms, 0.996 s
		t.Errorf("the text does not say when: %s", e.Error())
	}
}
