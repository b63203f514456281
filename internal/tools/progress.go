package tools

import "context"

type progressKey struct{}

// WithProgress gives a context in which ReportProgress calls report. The edge uses it
// for callers that asked for progress; report must be safe for concurrent use.
func WithProgress(ctx context.Context, report func(done, total float64, message string)) context.Context {
	return context.WithValue(ctx, progressKey{}, report)
}

// ReportProgress tells the caller how far the work is: done out of total (0 where that
// is unknown), in any unit. It costs next to nothing where nobody listens, and the edge
// thins out what is sent, so that a loop may call it often.
func ReportProgress(ctx context.Context, done, total float64, message string) {
	if report, ok := ctx.Value(progressKey{}).(func(done, total float64, message string)); ok {
		report(done, total, message)
	}
}
