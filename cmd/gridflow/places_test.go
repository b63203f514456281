package main

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"gridflow/internal/forks"
	"gridflow/internal/outside"
	"gridflow/internal/server"
	"gridflow/internal/tools"
	"gridflow/internal/workspace"
)

// TestSettingsReachTheirPlaces: what the operator sets, each to something else than its default, is what the rooms are given.
func TestSettingsReachTheirPlaces(t *testing.T) {
	root := t.TempDir()
	c, _, err := configure("http", []string{
		"--root=" + root, "--cache-bytes=7MiB", "--read-timeout=3s", "--read-only",
		"--max-forks=5", "--fork-ttl=4m", "--max-checkpoints=6", "--max-staged=8", "--history=9", "--fork-bytes=10MiB", "--calc-budget=11ms",
		"--output-profile=verbose", "--outside-formulas=refuse", "--link-targets=allow", "--max-cells=12", "--max-payload-bytes=13", "--max-items=14", "--max-response-bytes=15", "--max-edit-cells=18",
		"--path=/sheets", "--allowed-origins=https://app.example.com", "--allowed-hosts=sheets.example.com", "--trusted-proxies=10.0.0.0/8",
		"--max-connections=16", "--max-request-bytes=17MiB", "--metrics=false",
	}, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	for _, place := range []struct{ got, want any }{
		{c.workspaceOptions(), workspace.Options{Roots: []string{root}, CacheBytes: 7 << 20, ReadTimeout: 3 * time.Second, CalcBytes: 7 << 20}},
		{c.forkOptions(), forks.Options{
			Max: 5, TTL: 4 * time.Minute, CheckpointsMax: 6, StagedMax: 8, History: 9, LiveBytes: 10 << 20, WholeCells: 36,
			CalcBudget: 11 * time.Millisecond, CalcBytes: 7 << 20, BaseBytes: 7 << 20,
		}},
		{*c.env(), tools.Env{Profile: "verbose", Caps: tools.Caps{MaxCells: 12, MaxPayloadBytes: 12, MaxItems: 14, MaxResponseBytes: 15, MaxEditCells: 18}, Outside: outside.Refuse, Links: outside.Allow}},
		{c.httpOptions(), server.HTTPOptions{
			Path: "/sheets", AllowedOrigins: []string{"https://app.example.com"}, AllowedHosts: []string{"sheets.example.com"},
			TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, MaxConnections: 16, MaxBodyBytes: 17 << 20,
		}},
		{c.bytesOfLoads(), int64(7 << 20 / 2)},
	} {
		if !reflect.DeepEqual(place.got, place.want) {
			t.Errorf("got %+v\nwant %+v", place.got, place.want)
		}
	}
}
